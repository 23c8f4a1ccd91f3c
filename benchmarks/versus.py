"""How does the model compare with a C loop, a copy, SimPy, Ciw and Spin? Ratios, measured side by side in one run.

    python benchmarks/versus.py --json

Every side works on the same pages and must find the same answer. A ratio is the median over turns, with the quartiles
beside it. A side that cannot be built is skipped, and says why.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)  # run as a file: make the packages of this checkout importable

import numpy as np  # noqa: E402

from benchmarks.footprint import MODES  # noqa: E402
from benchmarks.peers.c_loop import FLAGS, LOOPS, CannotCompileError, CLoop, bytes_of  # noqa: E402
from benchmarks.peers.ciw_queue import build, waits_ps  # noqa: E402
from benchmarks.peers.simpy_race import run_race  # noqa: E402
from benchmarks.peers.spin import FLAGS as SPIN_FLAGS  # noqa: E402
from benchmarks.peers.spin import CannotSpinError, Spin  # noqa: E402
from benchmarks.speed import pages_of  # noqa: E402
from benchmarks.turns import Report, Side, Spread, WrongAnswerError, put, skip, spread, take_turns, timed  # noqa: E402
from mmbench.ask.runs import available_bytes  # noqa: E402
from mmbench.checker.scope import find_scope  # noqa: E402
from mmbench.checker.verdict import check  # noqa: E402
from mmbench.cost.table import load_table  # noqa: E402
from mmbench.engine import prepare, run_prepared  # noqa: E402
from mmbench.errors import InputError, MmbenchError  # noqa: E402
from mmbench.model.layout import PAGE_BYTES, PAGES_PER_TABLE, VmaTable  # noqa: E402
from mmbench.model.world import views  # noqa: E402
from mmbench.pages.unmap import unmap_range  # noqa: E402
from mmbench.scenarios import scenario  # noqa: E402
from mmbench.sizing.laws.entries import draw_entries  # noqa: E402
from mmbench.sizing.queue.reaper_list import REAPER, lifo  # noqa: E402
from mmbench.sizing.study import fill_gaps, run_chunk  # noqa: E402
from mmbench.sizing.textbook import exponential_points, textbook_study  # noqa: E402
from mmbench.strategies import load  # noqa: E402
from mmbench.victims import format_size, parse_size, synthetic  # noqa: E402

VMA_PAGES = 1 << 18  # 1 GiB
DIRECTIONS = {"v6.1": 1, "v6.18": -1}  # how process_mrelease walks the VMAs
LATEST = "v6.18"
RACE = "mrelease"
BYTES_PER_PAGE_AT_MOST = 1


def gib_vmas(size: str) -> int:
    """How many VMAs of 1 GiB a victim has; one when it is smaller."""
    return max(1, parse_size(size) // PAGE_BYTES // VMA_PAGES)


def check_size(size: str) -> None:
    """Raise InputError unless a victim of this size splits into VMAs of whole page tables."""
    n_vmas = gib_vmas(size)
    if parse_size(size) % (PAGE_BYTES * PAGES_PER_TABLE * n_vmas):
        raise InputError(f"{size} is not {n_vmas} times whole 2 MiB; give whole GiB, or whole 2 MiB up to 1 GiB.")


# --- the unmap kernel -------------------------------------------------------------------------------


def kernel_sides(size: str, c: CLoop | None) -> dict[str, Side]:
    """The same pages unmapped by unmap_range and in C, and their planes copied; answers (unmapped, mlocked, left)."""
    template = pages_of(size)[0].reshape(3, -1)[:2].copy()
    planes, copied = np.empty_like(template), np.empty_like(template)
    n_words = template.shape[1]
    bits = planes.reshape(-1)
    right = (int(np.bitwise_count(template[0]).sum()), int(np.bitwise_count(template[1]).sum()), 0)

    def ours() -> tuple[float, Any]:
        np.copyto(planes, template)
        seconds, found = timed(lambda: unmap_range(bits, 0, n_words, 0, n_words * 64))
        return seconds, (*map(int, found), int(np.bitwise_count(planes).sum()))

    def copy() -> tuple[float, Any]:
        copied.fill(0)
        seconds, _ = timed(lambda: np.copyto(copied, template))
        return seconds, right if np.array_equal(copied, template) else None

    sides: dict[str, Side] = {"unmap_range": ours, "copy": copy}
    if c is not None:
        template_bytes = bytes_of(template)
        page = np.empty_like(template_bytes)

        def loop(name: str) -> tuple[float, Any]:
            np.copyto(page, template_bytes)
            seconds, found = timed(lambda: c.unmap(name, page))
            return seconds, (*found, int(np.count_nonzero(page)))

        sides |= {name: lambda name=name: loop(name) for name in LOOPS}  # type: ignore[misc]
    return sides


def measure_kernel(report: Report, size: str, turns: int) -> None:
    """unmap_vs_c against the faster C loop, and unmap_vs_copy."""
    n_pages = parse_size(size) // PAGE_BYTES
    with tempfile.TemporaryDirectory() as folder:
        try:
            c = CLoop(Path(folder))
        except CannotCompileError as error:
            c = None
            skip(report, "unmap_vs_c", str(error))
        seconds = take_turns(kernel_sides(size, c), turns)
    rates = {name: round(n_pages / statistics.median(taken)) for name, taken in seconds.items()}
    ours = seconds["unmap_range"]

    def ratio(name: str) -> Spread:
        return spread(theirs / mine for theirs, mine in zip(seconds[name], ours, strict=True))

    put(report, "unmap_vs_copy", ratio("copy"), pages=n_pages, pages_per_s=rates)
    if c is not None:
        faster = max(LOOPS, key=rates.__getitem__)
        known = {"loop": faster, "compiler": c.compiler, "flags": " ".join(FLAGS)}
        put(report, "unmap_vs_c", ratio(faster), **known, pages=n_pages, pages_per_s=rates)


# --- the engine -------------------------------------------------------------------------------------


def mlocked_victim(size: str, n_vmas: int) -> VmaTable:
    """A fully mlocked victim in VMAs of whole page tables."""
    return synthetic(parse_size(size), locked=1.0, vmas=n_vmas, gap_pages=PAGES_PER_TABLE).vmas


def race(vmas: VmaTable, strategy: str) -> tuple[float, dict[str, Any]]:
    """(seconds, record) of the engine, from a world to a record."""
    prepared, loaded, costs = prepare(vmas, reuse=False), load(strategy), load_table()
    seconds, record = timed(lambda: run_prepared(prepared, loaded, scenario(RACE), costs, victim="race"))
    freed = record["freed_pages"]
    if sum(freed.values()) != vmas.resident_pages or record["left_pages"] or not freed["exit"] or not freed["mrelease"]:
        raise WrongAnswerError(f"{strategy}: freed {freed}, left {record['left_pages']} of {vmas.resident_pages}")
    return seconds, record


def measure_engine(report: Report, size: str, turns: int) -> None:
    """engine_pages_per_s: the slowest of two strategies on one giant VMA and on many of 1 GiB."""
    shapes = {n: mlocked_victim(size, n) for n in (1, gib_vmas(size))}
    cases = {f"{name}, {n} VMA{'s' * (n > 1)}": (vmas, name) for n, vmas in shapes.items() for name in DIRECTIONS}
    freed = {case: race(*what)[1]["freed_pages"] for case, what in cases.items()}
    sides: dict[str, Side] = {case: lambda what=what: (race(*what)[0], None) for case, what in cases.items()}  # type: ignore[misc]
    seconds = take_turns(sides, turns)
    n_pages = parse_size(size) // PAGE_BYTES
    rates = {case: spread(n_pages / s for s in taken) for case, taken in seconds.items()}
    slowest = min(rates, key=lambda case: rates[case].median)
    medians = {case: round(rate.median) for case, rate in rates.items()}
    put(report, "engine_pages_per_s", rates[slowest], case=slowest, scenario=RACE, pages=n_pages, all_cases=medians,
        freed_pages=freed)  # fmt: skip


def simpy_side(size: str) -> Side:
    """SimPy on the same tables as the engine; its answer is everything that both say of the race."""
    vmas = mlocked_victim(size, gib_vmas(size))
    prepared = prepare(vmas)
    record = run_prepared(prepared, load(LATEST), scenario(RACE), load_table(), victim="race")
    milestones = record["curve"]["freed_pages"]
    fresh = views(prepare(vmas, reuse=False).world)
    ends = np.cumsum(vmas.pages // PAGES_PER_TABLE).tolist()
    tables = list(zip([0, *ends[:-1]], ends, strict=True))

    def side() -> tuple[float, Any]:
        present, mlocked = fresh.present.copy(), fresh.mlocked.copy()
        seconds, found = timed(
            lambda: run_race(present, mlocked, tables, load_table(), milestones, direction=DIRECTIONS[LATEST],
                             exit_start_ps=scenario(RACE).exit_start_ps)
        )  # fmt: skip
        right = {key: {who: record[key][who] for who in found[key]} for key in found if key != "curve"}
        if found != right | {"curve": record["curve"]} or present.any() or mlocked.any():
            raise WrongAnswerError(f"SimPy finds {found}, the engine {right}")
        return seconds, None

    return side


def measure_simpy(report: Report, size: str, simpy_size: str, turns: int) -> None:
    """engine_vs_simpy: page tables per second, the engine on `size` and SimPy on what it can manage."""
    try:
        import simpy
    except ImportError:
        skip(report, "engine_vs_simpy", "simpy is not installed (pip install simpy)")
        return
    vmas = mlocked_victim(size, gib_vmas(size))
    sides: dict[str, Side] = {"engine": lambda: (race(vmas, LATEST)[0], None), "simpy": simpy_side(simpy_size)}
    seconds = take_turns(sides, turns)
    n_tables = {"engine": parse_size(size) // PAGE_BYTES // PAGES_PER_TABLE}
    n_tables["simpy"] = parse_size(simpy_size) // PAGE_BYTES // PAGES_PER_TABLE
    scale = n_tables["engine"] / n_tables["simpy"]
    ratios = (scale * theirs / mine for theirs, mine in zip(seconds["simpy"], seconds["engine"], strict=True))
    rates = {name: round(n_tables[name] / statistics.median(taken)) for name, taken in seconds.items()}
    put(report, "engine_vs_simpy", spread(ratios), simpy=simpy.__version__, strategy=LATEST, scenario=RACE,
        tables=n_tables, tables_per_s=rates, same_answer="freed, blocked, end and curve of both parties")  # fmt: skip


# --- many kills -------------------------------------------------------------------------------------

QUEUE_LOADS = (0.1, 0.3, 0.7)  # of M/M/1; the first is what one heavy victim in a thousand makes of a kill a second
CIW_KILLS = 20_000
CIW_AGREES_PS = 10**6


def measure_queue(report: Report, turns: int) -> None:
    """queue_kills_per_s: kills drawn, queued and counted on one core, the reaper's list newest first, at low load."""
    studies = {load: textbook_study(exponential_points(10**11, 512), load) for load in QUEUE_LOADS}
    n_replications = 60
    n_kills = n_replications * studies[QUEUE_LOADS[0]].kept_kills
    found = {load: run_chunk(study, 0, n_replications)["totals"][0] for load, study in studies.items()}
    if any(n != n_kills for n in found.values()):
        raise WrongAnswerError(f"{n_kills} kills were to be counted, {found} were")
    sides: dict[str, Side] = {
        f"load {load}": lambda study=study: (timed(lambda: run_chunk(study, 0, n_replications))[0], None)  # type: ignore[misc]
        for load, study in studies.items()
    }
    seconds = take_turns(sides, turns)
    rates = {case: spread(n_kills / s for s in taken) for case, taken in seconds.items()}
    first = f"load {QUEUE_LOADS[0]}"
    put(report, "queue_kills_per_s", rates[first], case=first, kills=n_kills, entries=512,
        all_cases={case: round(rate.median) for case, rate in rates.items()})  # fmt: skip


def ciw_sides(load: float) -> tuple[dict[str, Side], Any]:
    """The same list in Ciw and here, and one turn to compile: gaps, service times and waits kill by kill."""
    study = textbook_study(exponential_points(10**11, 512), load, edge_kills=0, kept_kills=CIW_KILLS)
    gaps, entries, waits, kills, since = (np.zeros(CIW_KILLS, dtype=np.int64) for _ in range(5))
    fill_gaps(study.kills, study.seed, 0, gaps)
    draw_entries(study.seed, 0, study.thresholds, study.components, entries)
    busy = np.ascontiguousarray(study.fields[:, :, REAPER])
    again = 100  # one pass is too short for the clock

    def ours() -> tuple[float, Any]:
        waits.fill(-1)
        seconds, _ = timed(lambda: [lifo(gaps, entries, busy, waits, kills, since) for _ in range(again)])
        return seconds / again, None

    def theirs() -> tuple[float, Any]:
        simulation = build(gaps, busy[entries, 0])
        seconds, found = timed(lambda: waits_ps(simulation, CIW_KILLS))
        if not np.allclose(found, waits, rtol=0, atol=CIW_AGREES_PS):
            raise WrongAnswerError(f"Ciw finds waits up to {np.abs(found - waits).max()} ps away")
        return seconds, None

    return {"ciw": theirs, "lifo": ours}, ours()


def measure_ciw(report: Report, turns: int) -> None:
    """queue_vs_ciw: kills per second of the same list at every load, the smallest of the ratios."""
    try:
        import ciw
    except ImportError:
        skip(report, "queue_vs_ciw", "ciw is not installed (pip install ciw)")
        return
    ratios, rates = {}, {}
    for rho in QUEUE_LOADS:
        seconds = take_turns(ciw_sides(rho)[0], turns)
        ratios[rho] = spread(their / mine for their, mine in zip(seconds["ciw"], seconds["lifo"], strict=True))
        rates[rho] = {name: round(CIW_KILLS / statistics.median(taken)) for name, taken in seconds.items()}
    least = min(ratios, key=lambda rho: ratios[rho].median)
    put(report, "queue_vs_ciw", ratios[least], ciw=getattr(ciw, "__version__", "?"), kills=CIW_KILLS, load=least,
        all_loads={str(rho): round(found.median) for rho, found in ratios.items()},
        same_answer=f"the wait of every kill, to {CIW_AGREES_PS // 10**3} ns", kills_per_s=rates[least])  # fmt: skip


# --- the checker ------------------------------------------------------------------------------------


def measure_checker(report: Report, turns: int) -> None:
    """checker_vs_spin: transitions per second of this checker and of Spin's compiled search of the same design."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            spin = Spin(Path(folder))
            theirs = spin.search()
        except CannotSpinError as error:
            skip(report, "checker_vs_spin", str(error))
            return
        loaded, scope = load(LATEST), find_scope("default")

        def ours() -> tuple[float, Any]:
            seconds, found = timed(lambda: check(loaded.name, loaded.roles, scope, explain=False))
            return seconds / found.transitions, found.verdict

        def spins() -> tuple[float, Any]:
            found = spin.search()
            return found.seconds / found.transitions, found.verdict

        seconds = take_turns({"checker": ours, "spin": spins}, turns)
    verdict = check(loaded.name, loaded.roles, scope, explain=False)
    ratios = (their / mine for their, mine in zip(seconds["spin"], seconds["checker"], strict=True))
    put(report, "checker_vs_spin", spread(ratios), spin=spin.version, flags=" ".join(SPIN_FLAGS), strategy=LATEST,
        scope=scope.name, same_answer=verdict.verdict,
        states={"checker": verdict.states, "spin": theirs.states},
        transitions={"checker": verdict.transitions, "spin": theirs.transitions},
        transitions_per_s={name: round(1 / statistics.median(taken)) for name, taken in seconds.items()})  # fmt: skip


# --- memory -----------------------------------------------------------------------------------------


def footprint(mode: str, size: str) -> dict[str, int]:
    """Pages, baseline and peak bytes of a process that runs such a victim. Raises RuntimeError with its last line."""
    command = [sys.executable, "-m", "benchmarks.footprint", mode, size]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    found: dict[str, int] = json.loads(done.stdout)
    return found


def measure_memory(report: Report, size: str, turns: int) -> None:
    """bytes_per_page above the import baseline, of the hungrier mode."""
    name, free = "bytes_per_page", available_bytes()
    needed = parse_size(size) // PAGE_BYTES * BYTES_PER_PAGE_AT_MOST
    if free is None:
        skip(report, name, "this machine has no /proc/meminfo and no /proc/self/status")
        return
    if needed > free:
        skip(report, name, f"{size} may take {format_size(needed)}, {format_size(free)} are available (--victim)")
        return
    try:
        found = {mode: [footprint(mode, size) for _ in range(turns)] for mode in MODES}
    except RuntimeError as error:
        skip(report, name, str(error))
        return
    per_page = {
        mode: spread((f["peak_bytes"] - f["baseline_bytes"]) / f["pages"] for f in rounds)
        for mode, rounds in found.items()
    }
    worst = max(per_page, key=lambda mode: per_page[mode].median)
    peaks = {mode: max(f["peak_bytes"] for f in rounds) for mode, rounds in found.items()}
    medians = {mode: round(per.median, 4) for mode, per in per_page.items()}
    put(report, name, per_page[worst], mode=worst, victim=size, all_modes=medians, peak_bytes=peaks)


# --- the command ------------------------------------------------------------------------------------


def measure(args: argparse.Namespace) -> Report:
    """All figures in one report. Raises InputError for a size that cannot be measured, before anything is."""
    check_size(args.size)
    check_size(args.simpy_size)
    parse_size(args.victim)
    report: Report = {"skipped": {}, "details": {}}
    measure_kernel(report, args.size, args.turns)
    measure_engine(report, args.size, args.turns)
    measure_simpy(report, args.size, args.simpy_size, max(2, args.turns // 2))
    measure_queue(report, args.turns)
    measure_ciw(report, max(1, args.turns // 3))
    measure_checker(report, max(1, args.turns // 3))
    measure_memory(report, args.victim, max(1, args.turns // 4))
    report["turns"] = args.turns
    report["clock"] = "CPU time of one thread, after compilation"
    report["machine"] = {"python": platform.python_version(), "arch": platform.machine(), "kernel": platform.release()}
    return report


def as_lines(report: Report) -> str:
    """The figures for people."""
    names = [name for name in report if f"{name}_spread" in report]
    lines = []
    for name in names:
        if report[name] is None:
            lines.append(f"{name:<20}skipped: {report['skipped'][name]}")
        else:
            low, high = report[f"{name}_spread"]
            lines.append(f"{name:<20}{report[name]:,.4g}   quartiles {low:,.4g} to {high:,.4g}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 0 done, 1 the sides disagree, 2 bad input."""
    parser = argparse.ArgumentParser(prog="versus", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object with all details")
    parser.add_argument("--size", default="1TiB", help="victim of the kernel and the engine (1TiB)")
    parser.add_argument("--simpy-size", default="16GiB", help="victim that SimPy can manage (16GiB)")
    parser.add_argument("--victim", default="16TiB", help="victim whose memory is measured (16TiB)")
    parser.add_argument("--turns", type=int, default=9, choices=range(1, 100), metavar="N", help="1 to 99 (9)")
    args = parser.parse_args(argv)
    try:
        report = measure(args)
    except MmbenchError as error:
        print(f"versus: {error}", file=sys.stderr)
        return error.exit_code
    except WrongAnswerError as error:
        print(f"versus: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report, indent=2) if args.json else as_lines(report))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
