"""The whole site: asv's pages below asv/, HEAD's runs and verdicts, and the front page above them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mmbench.errors import CannotError, InputError
from mmbench.extras import require
from mmbench.records.files import read_json, write_bytes, write_json, write_text
from mmbench.site.asv_results import by_origin
from mmbench.site.changing import write_changes

MARK = "mmbench-site.json"
PARTS = (
    "answers",
    "asv",
    "badge.json",
    "badge.svg",
    "changes-data.js",
    "changes.html",
    "changes.js",
    "designs.html",
    "designs",
    "explore",
    "explore.html",
    "explore.js",
    "plots",
    "schedules",
    "lab",
    "index.html",
    "kernels.html",
    "style.css",
    MARK,
)
OF_ASV = ("index.json", "info.json", "asv.js", "graphs")
ASV_TIMEOUT_S = 600
LAB_FORMAT = "mmbench-lab 1"
ROOT = Path(__file__).resolve().parent.parent.parent


def publish(html_dir: str | os.PathLike[str], results_dir: str | os.PathLike[str]) -> Path:
    """Write the site into `html_dir` and return the path of its front page.

    results_dir: the repository's results, with asv/ and, where they exist, calibration/ and lab/. The site is made in
    a new folder beside html_dir, which then takes its place: an interrupted publish leaves the old one.
    Raises InputError when html_dir holds anything but such a site or there are no asv results, CannotError when asv
    is missing or fails.
    """
    target, results = Path(html_dir).resolve(), Path(results_dir).resolve()
    refuse_foreign(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        site = Path(scratch, "site")
        site.mkdir()
        publish_asv(site / "asv", results / "asv")
        write_changes(site, ROOT, results / "asv")
        write_front(site, results)
        if target.exists():
            shutil.move(target, Path(scratch, "old"))
        os.replace(site, target)
    target.chmod(0o755)
    return target / "index.html"


def refuse_foreign(target: Path) -> None:
    """Raise InputError unless `target` is absent, empty, or a site that publish wrote, or asv by itself."""
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{target} is not a folder; give one for the site.")
    names = {path.name for path in target.iterdir()}
    ours = MARK in names and names <= set(PARTS)
    if names and not ours and not names >= set(OF_ASV):
        raise InputError(f"{target} holds other files ({', '.join(sorted(names)[:3])}, ...); give a folder of its own.")


def publish_asv(html_dir: Path, results: Path) -> None:
    """Run `asv publish` for the results, with our plugin. Raises InputError without results, CannotError if it fails.

    The configuration is the repository's with three folders replaced, in a file of its own.
    """
    if not (results / "benchmarks.json").is_file():
        raise InputError(f"{results} holds no asv results (benchmarks.json); measure first, as results/README.md says.")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "asv.conf.json")
        parted = by_origin(results, Path(folder, "results"))
        config.write_text(json.dumps(asv_config(html_dir, parted)))
        command = [sys.executable, "-m", "asv", "--config", str(config), "publish", "--no-pull"]
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        try:
            done = subprocess.run(
                command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
                timeout=ASV_TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise CannotError(f"asv publish took more than {ASV_TIMEOUT_S} s.") from None
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-6:])
        raise CannotError(f"asv publish failed (exit code {done.returncode}):\n{last}")


def asv_config(html_dir: Path, results: Path) -> dict[str, Any]:
    """The repository's asv.conf.json with absolute folders. Raises CannotError without asv."""
    require("asv", "publishing needs")
    from asv.util import load_json

    folders = {"repo": str(ROOT), "results_dir": str(results), "html_dir": str(html_dir)}
    return {**load_json(str(ROOT / "asv.conf.json"), js_comments=True), **folders}


def copied_lab(records: Path, folder: Path) -> dict[str, Any]:
    """File name -> lab record, each copied into `folder`; other JSON files there are left out."""
    found = {path: read_json(path) for path in sorted(records.glob("*.json"))}
    found = {path: v for path, v in found.items() if isinstance(v, dict) and v.get("format") == LAB_FORMAT}
    if found:
        folder.mkdir()
    for path in found:
        write_bytes(folder / path.name, path.read_bytes())
    return {path.name: record for path, record in found.items()}


def write_front(site: Path, results: Path) -> None:
    """HEAD's runs, plots, verdicts and the front page, into a folder that has asv's pages already."""
    from mmbench.records.manifest import build_manifest
    from mmbench.report.pictures.heatmap import heatmap
    from mmbench.report.pictures.plots import compare_figure
    from mmbench.report.pictures.scatter import scatter_figure
    from mmbench.report.pictures.timeline import timeline
    from mmbench.site.designs import design_page
    from mmbench.site.explore import write_explorer_data
    from mmbench.site.explore_page import EXPLORER, SCRIPT, explorer_page
    from mmbench.site.front import KERNELS, Facts, front_page
    from mmbench.site.head import check_head, run_head, run_sweep, write_schedules
    from mmbench.site.kernels import ask, designs
    from mmbench.site.kernels_page import kernels_page
    from mmbench.site.offline import check_offline
    from mmbench.strategies import load_all

    runs, sweep, verdicts = run_head(), run_sweep(), list(check_head())
    (site / "plots").mkdir()
    for name, records in runs.items():
        compare_figure(records, site / "plots" / f"{name}.png")
    heatmap(sweep, site / "plots" / "heatmap.png")
    for record in next(iter(runs.values())):
        timeline(record, site / "plots" / f"timeline-{record['strategy']}.png")
    validations = {path.stem: read_json(path) for path in sorted((results / "calibration").glob("*.json"))}
    validations = {k: v for k, v in validations.items() if str(v.get("format")).startswith("mmbench-validation ")}
    for name, record in validations.items():
        scatter_figure(record, site / "plots" / f"validation-{name}.png")
    lab, manifest = copied_lab(results / "lab", site / "lab"), build_manifest()
    facts = Facts(
        runs=runs,
        sweep=sweep,
        verdicts={v.strategy: v for v in verdicts},
        schedules=write_schedules(verdicts, site / "schedules"),
        validations=validations,
        lab=lab,
        manifest=manifest,
        asv=read_json(site / "asv" / "index.json"),
    )
    write_text(site / "index.html", front_page(facts))
    (site / "designs").mkdir()
    for loaded in load_all():
        name = loaded.strategy.id
        page = design_page(
            loaded, runs, facts.verdicts[name], facts.schedules.get(name, ()), f"../plots/timeline-{name}.png"
        )
        write_text(site / "designs" / f"{name}.html", page)
    if lab:
        write_text(site / KERNELS, kernels_page(ask(lab), designs()))
    write_explorer_data(site / "explore")
    write_text(site / EXPLORER, explorer_page())
    here = Path(__file__).parent
    for path in (here / "style.css", here / "static" / SCRIPT):
        write_bytes(site / path.name, path.read_bytes())
    write_json(site / MARK, manifest)
    check_offline(site)
