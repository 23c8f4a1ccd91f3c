"""Writes the pages of our own: HEAD's runs and verdicts, and what kernels and readers of answers saw of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from mmbench.records.files import read_json, write_bytes, write_json, write_text
from mmbench.records.lab_types import LabRecord
from mmbench.records.manifest import build_manifest
from mmbench.records.measured_types import Judged
from mmbench.site.answers import write_answers
from mmbench.site.designs import design_page
from mmbench.site.explore import write_explorer_data
from mmbench.site.explore_page import EXPLORER, SCRIPT, explorer_page
from mmbench.site.forced import read_forcing
from mmbench.site.front import KERNELS, Facts, front_page
from mmbench.site.head import check_head, check_shared, run_head, run_sweep, write_schedules
from mmbench.site.kernels import ask, designs
from mmbench.site.kernels_page import kernels_page
from mmbench.site.matrix_page import DESIGNS, matrix_page
from mmbench.site.real import family, real_designs, record_files, schedule_files
from mmbench.strategies import load_all

MARK = "mmbench-site.json"
PALETTE = 256
LAB_FORMAT = "mmbench-lab 1"
Record = Mapping[str, Any]


def write_pages(site: Path, results: Path, answers: Path) -> None:
    """Write every page but asv's and that of changes, into a folder that has asv's pages already.

    results: with calibration/ and lab/, where they exist; answers: Markdown files
    """
    facts = gather(site, results, answers)
    write_text(site / "index.html", front_page(facts))
    first = next(iter(facts.runs.values()))
    (site / "designs").mkdir()
    for loaded in load_all():
        name = loaded.strategy.id
        schedules, timeline = facts.schedules.get(name, ()), f"../plots/timeline-{name}.png"
        reals, forcing = family(facts.reals, name), facts.forcing.family(name)
        page = design_page(loaded, facts.runs, facts.verdicts[name], schedules, timeline, reals, forcing)
        write_text(site / "designs" / f"{name}.html", page)
    if facts.reals:
        write_text(site / DESIGNS, matrix_page(first, facts.verdicts, facts.reals, facts.forcing))
    if facts.lab:
        write_text(site / KERNELS, kernels_page(ask(facts.lab), designs()))
    write_explorer_data(site / "explore")
    write_text(site / EXPLORER, explorer_page())
    here = Path(__file__).parent
    for path in (here / "style.css", here / "static" / SCRIPT):
        write_bytes(site / path.name, path.read_bytes())
    write_json(site / MARK, facts.manifest)


def gather(site: Path, results: Path, answers: Path) -> Facts:
    """Run and check HEAD, read the records; pictures, schedules, records and answers go into the site."""
    runs, sweep, verdicts = run_head(), run_sweep(), list(check_head())
    validations = {path.stem: read_json(path) for path in sorted((results / "calibration").glob("*.json"))}
    validations = {k: v for k, v in validations.items() if str(v.get("format")).startswith("mmbench-validation ")}
    draw(site / "plots", runs, sweep, validations)
    return Facts(
        runs=runs,
        sweep=sweep,
        verdicts={v.strategy: v for v in verdicts},
        schedules=write_schedules(verdicts, site / "schedules"),
        validations=validations,
        lab=copied_lab(results / "lab", site / "lab"),
        manifest=build_manifest(),
        asv=read_json(site / "asv" / "index.json"),
        shared=check_shared(),
        reals=real_designs(record_files(results / "lab")),
        forcing=read_forcing(schedule_files(results / "lab")),
        answers=write_answers(answers, site / "answers"),
    )


def draw(
    folder: Path,
    runs: Mapping[str, Sequence[Record]],
    sweep: Sequence[Record],
    validations: Mapping[str, Judged],
) -> None:
    """All pictures that are files."""
    from mmbench.report.pictures.heatmap import heatmap
    from mmbench.report.pictures.plots import compare_figure
    from mmbench.report.pictures.scatter import scatter_figure
    from mmbench.report.pictures.timeline import timeline

    folder.mkdir()
    for name, records in runs.items():
        compare_figure(records, folder / f"{name}.png")
    heatmap(sweep, folder / "heatmap.png")
    for record in next(iter(runs.values())):
        timeline(record, folder / f"timeline-{record['strategy']}.png")
    for name, record in validations.items():
        scatter_figure(record, folder / f"validation-{name}.png")
    for path in folder.glob("*.png"):
        write_bytes(path, in_few_colours(path))


def in_few_colours(path: Path) -> bytes:
    """A picture with a palette: a third of the bytes, and nobody sees the difference."""
    from PIL import Image

    data = BytesIO()
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE)
    few.save(data, "PNG", optimize=True)
    return data.getvalue()


def copied_lab(records: Path, folder: Path) -> dict[str, LabRecord]:
    """File name -> lab record, each copied into `folder`; other JSON files there are left out."""
    found = {path: read_json(path) for path in sorted(records.glob("*.json"))}
    found = {path: v for path, v in found.items() if isinstance(v, dict) and v.get("format") == LAB_FORMAT}
    if found:
        folder.mkdir()
    for path in found:
        write_bytes(folder / path.name, path.read_bytes())
    return {path.name: record for path, record in found.items()}
