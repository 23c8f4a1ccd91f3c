"""Every benchmark once, quickly, on the code in front of you: whether the suite works, not how fast it is."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from mmbench.extras import require
from mmbench.tracking.history import describe_machine
from mmbench.tracking.repository import CONFIG, asv

ENDED = re.compile(r"\[ *[\d.]+%\] \u00b7+ (\S+) +(\S.*)$")  # progress, name, what came of it


def smoke(root: Path, chosen: str | None, on_line: Callable[[str], None]) -> tuple[int, list[str]]:
    """Run the suite with asv in the present environment; returns (benchmarks that ran, those that failed).

    chosen: a regular expression for their names. asv's own files go to a folder that is thrown away. Raises
    CannotError without asv.
    """
    describe_machine(root)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, CONFIG)
        config.write_text(json.dumps(_config(root, Path(folder))))
        ended: dict[str, str] = {}

        def see(line: str) -> None:
            on_line(line)
            if (found := ENDED.match(line)) and "." in found[1]:
                ended[found[1]] = found[2].strip()

        asv(
            root, "--config", str(config), "run", "--quick", "--dry-run", "--environment", "existing",
            *(["--bench", chosen] if chosen else []), on_line=see, environment={"ASV_PYTHONPATH": str(root)},
        )  # fmt: skip
        return len(ended), [name for name, what in ended.items() if "failed" in what]


def _config(root: Path, folder: Path) -> dict[str, object]:
    """The repository's asv.conf.json with other folders; plugins are for publishing."""
    require("asv", "measuring commits needs")
    from asv.util import load_json

    places = {"repo": root, "benchmark_dir": root / "benchmarks"} | {
        name: folder / name for name in ("env_dir", "results_dir", "html_dir")
    }
    texts = {name: str(path) for name, path in places.items()}
    return {**load_json(str(root / CONFIG), js_comments=True), **texts, "plugins": []}
