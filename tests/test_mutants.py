"""Planted mutants: one wrong word in a kernel or in the machine must be caught by the property tests.

Each runs on a copy of the sources, as plain Python, against the tests of its own layer: in a fork of a process that
has imported everything but this project, since importing took longer than the tests do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns("*.pyc.*")  # other tests may be writing them just now
LONGEST_S = 600  # a mutant that makes a loop endless is none to plant
PROFILE = ("--hypothesis-profile", "first-failure")

CHAIN = "checker/test_reached.py::test_local_steps_are_followed_from_the_step_before"
PACKS = "checker/test_packing.py::test_packing_what_changed_is_packing_everything"

# file, right, wrong, tests that must fail
MUTANTS = [
    (
        "pages/unmap.py",
        "n_mlocked += popcount(bits[mlocked + word] & gone)",
        "n_mlocked += popcount(gone)",
        "pages",
    ),
    ("pages/unmap.py", "bits[mlocked + word] &= ~gone", "bits[mlocked + word] |= gone", "pages"),
    ("pages/unmap.py", "if first == 0 and end == PAGES_PER_TABLE:", "if end == PAGES_PER_TABLE:", "pages"),
    ("pages/unmap.py", "gone & ~elsewhere[at + word]", "gone", "pages"),
    ("pages/unmap.py", "again = mask & ~bits[mlocked + word]", "again = mask", "pages"),
    ("pages/reap.py", "gone = mapped & ~contended", "gone = mapped", "pages"),
    ("pages/unlock_range.py", "n_absent -= popcount(", "n_absent += popcount(", "pages"),
    ("pages/unlock_range.py", "(word << 6) + lowest_bit(held)", "(word << 6)", "pages"),
    ("pages/unlock_range.py", "stop - begin + PAGEVEC_SIZE - 1", "stop - begin", "pages"),
    ("pages/unlock_range.py", "while stop <= position:", "while stop < position:", "pages"),
    ("pages/unlock_range.py", "mask |= np.int64(1) << (position - begin)", "mask |= np.int64(1) << position", "pages"),
    ("pages/free_pgtables.py", "if mem[at] & TABLE_ALLOCATED:", "if mem[at]:", "pages"),
    ("model/bits.py", "low - ONE", "low", "pages"),
    ("model/build.py", "first + (k * pages) // n", "first + k", "model"),
    ("model/build.py", "low[1:] == high[:-1]", "low[1:] == low[:-1]", "model"),
    ("model/build.py", "page = end & ~(PAGES_PER_TABLE - 1)", "page = end", "model"),
    ("model/build.py", "if first == 0 and end == PAGES_PER_TABLE:", "if first == 0:", "model"),
    ("model/build.py", "mlocked[table, word] |= here", "mlocked[table, word] |= mask", "model"),
    ("model/saved.py", "changed = begin + first_changed(", "changed = begin + LOOK_CELLS + first_changed(", "model"),
    ("sync/rwsem.py", "or mem[RW_QUEUED] != 0", "", "sync"),
    ("sync/page_lock.py", ">> np.uint64(page & 63) & ONE", "& ONE", "machine"),
    ("sync/rwsem.py", "mem[RW_READERS] &= ~(1 << task)\n    hand_over(mem)", "mem[RW_READERS] &= ~(1 << task)", "sync"),
    ("machine/gather.py", "kept = min(n_pages,", "kept = max(n_pages,", "machine"),
    (
        "machine/gather.py",
        "n_freed = min(n_slots, n_pages) if w.mem[MM_HAS_ELSEWHERE] else n_slots",
        "n_freed = n_slots",
        "machine/test_elsewhere.py",
    ),
    ("machine/zap.py", "n_last = n_folios - n_elsewhere", "n_last = n_folios", "machine/test_elsewhere.py"),
    ("machine/zap.py", "min(n_elsewhere, 1) if huge else n_elsewhere", "n_elsewhere", "machine/test_elsewhere.py"),
    ("engine/clockwork.py", "n_zapped - n_elsewhere if n_zapped", "n_zapped if n_zapped", "engine/test_cold_pages.py"),
    ("machine/zap.py", "w.mem[MM_RSS] -= n\n", "w.mem[MM_RSS] -= n_mlocked\n", "machine"),
    ("machine/zap.py", "table_end, w.mem[vma_at(w, vma) + V_END])", "table_end)", "machine"),
    ("machine/munlock.py", "w.mem[MM_NR_MLOCK] -= n\n", "pass\n", "machine"),
    (
        "machine/munlock.py",
        "begin, stop = pagevec_of(w.bits, present, first, held, end)",
        "begin, stop = held, held + 1",
        "machine",
    ),
    (
        "machine/reap_handover.py",
        "(end - 1) & ~(chunk_pages - 1)",
        "(end - 1 - chunk_pages) & ~(chunk_pages - 1)",
        "machine",
    ),
    ("machine/reap_handover.py", "    if w.mem[RW_QUEUED]:", "    if w.mem[RW_QUEUED] > 1:", "machine"),
    ("machine/munlock.py", "to_lock &= ~(1 << k)", "to_lock = 0", "machine"),
    ("machine/teardown.py", "leave_vma(w, task, vma, vma + 1)", "leave_vma(w, task, vma, vma + 2)", "machine"),
    ("machine/zap.py", "pg_locked, first, stop)\n", "pg_locked, first, PAGES_PER_TABLE)\n", "machine/test_passes.py"),
    ("machine/teardown.py", "- 1) >> TABLE_SHIFT) + 1", "- 1) >> TABLE_SHIFT)", "machine/test_passes.py"),
    ("machine/reap.py", "w.mem[task_at(task) + T_VMA] + row[ROW_B])", "w.mem[task_at(task) + T_VMA] + 1)", "machine"),
    ("machine/locks.py", "w.mem[MM_USERS] != 0, work)", "w.mem[MM_USERS] != 1, work)", "machine/test_last_user.py"),
    ("machine/bystander_ops.py", "return n > had", "return n >= had", "engine/test_bystanders.py"),
    (
        "machine/bystander_ops.py",
        "is_pending and is_in_sight(",
        "is_pending or is_in_sight(",
        "engine/test_bystanders.py",
    ),
    ("engine/clockwork.py", "            steps_left -= 1", "            steps_left -= 2", "engine/test_looking_up.py"),
    ("checker/reached.py", "if local[at] and", "if not local[at] and", CHAIN),
    ("checker/packing.py", "if mem[cell] != before[cell]:", "if mem[cell] > before[cell]:", PACKS),
    ("sizing/laws/entries.py", "if entries[i] >= heavy:", "if entries[i] > heavy:", "sizing/test_added.py"),
    ("sizing/queue/tally.py", "n * (2 * above + n)", "n * (above + n)", "sizing/test_tally.py"),
    ("sizing/queue/tally.py", "min(retry, own)", "retry", "sizing/test_tally.py"),
    (
        "sizing/queue/reaper_list.py",
        "n_list += busy[entries[i], 0] != NOT_LISTED",
        "n_list += 1",
        "sizing/test_queue.py",
    ),
    ("sizing/queue/crew.py", "if free[k] < free[first]:", "if free[k] > free[first]:", "sizing/test_crew.py"),
    ("sizing/queue/domains.py", "elif in_front:", "elif not in_front:", "sizing/test_domains.py"),
    ("sizing/queue/domains.py", "if of[d, VICTIM] == kill:", "if True:", "sizing/test_domains.py"),
    ("sizing/queue/delay.py", "_LATER_NS] += max(later, 0)", "_LATER_NS] += later", "sizing/test_added.py"),
    ("sizing/queue/delay.py", "without[i], SKIP)", "waits[i], SKIP)", "sizing/test_added.py"),
    ("rng.py", "fraction |= 1", "fraction |= 0", "test_rng.py"),
]


# Reads lines of words between tabs: a folder and pytest's arguments. Answers each with the exit code.
FORKS = f"""
import os, signal, sys
import hypothesis, numba, numpy, pytest
for line in sys.stdin:
    folder, *words = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        signal.alarm({LONGEST_S})
        os.chdir(folder)
        sys.path[0] = folder
        said = os.open("said", os.O_CREAT | os.O_WRONLY)
        os.dup2(said, 1)
        os.dup2(said, 2)
        code = pytest.main(words)
        sys.stdout.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def forks():
    """A process that runs pytest in forks of its own."""
    env = os.environ | {"NUMBA_DISABLE_JIT": "1", "MMBENCH_CACHE_DIR": os.devnull}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen([sys.executable, "-c", FORKS], env=env, **pipes) as process:
        yield process


@pytest.mark.parametrize("file, right, wrong, tests", MUTANTS, ids=[f"{m[0]}-{k}" for k, m in enumerate(MUTANTS)])
def test_mutant_is_killed(forks, tmp_path, file, right, wrong, tests):
    for folder in ("mmbench", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=LEFT_OUT)
    source = tmp_path / "mmbench" / file
    text = source.read_text()
    assert text.count(right) >= 1, f"the planted line is gone from {file}: plant another"
    source.write_text(text.replace(right, wrong))
    shutil.rmtree(source.parent / "__pycache__", ignore_errors=True)
    words = (tmp_path, "-x", "-q", "-p", "no:cacheprovider", *PROFILE, f"tests/{tests}")
    print(*words, sep="\t", file=forks.stdin)
    code, said = int(forks.stdout.readline()), (tmp_path / "said").read_text()
    assert code == 1, f"the mutant lives:\n{said[-2000:]}"
    assert "failed" in said
