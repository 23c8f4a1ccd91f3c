"""The whole site: asv's pages below asv/, HEAD's runs and verdicts, and the front page above them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mmbench.errors import CannotError, InputError
from mmbench.extras import require
from mmbench.site.asv_results import by_origin
from mmbench.site.changing import write_changes
from mmbench.site.offline import check_offline
from mmbench.site.pages import MARK, write_pages

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
ANSWERS = "docs/answers"
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
        write_pages(site, results, ROOT / ANSWERS)
        check_offline(site)
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


def asv_config(html_dir: Path, results: Path) -> dict[str, object]:
    """The repository's asv.conf.json with absolute folders. Raises CannotError without asv."""
    require("asv", "publishing needs")
    from asv.util import load_json

    folders = {"repo": str(ROOT), "results_dir": str(results), "html_dir": str(html_dir)}
    return {**load_json(str(ROOT / "asv.conf.json"), js_comments=True), **folders}
