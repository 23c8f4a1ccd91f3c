"""Write docs/python.ipynb: its cells, executed now by a real kernel.

pip install nbclient ipykernel
python -m tests.notebook
"""

from __future__ import annotations

from pathlib import Path

NOTEBOOK = Path(__file__).parents[1] / "docs" / "python.ipynb"
CELLS: list[tuple[str, str]] = [
    ("markdown", "# Victims that locked their memory\n\nTimes and blocking are the *model's*. "
                 "[python.md](python.md) explains each call."),
    ("code", "import mmbench as mm\n\n"
             'runs = mm.compare("v5.17", "v6.18", "drop-oom-skip", size="1GiB", scenario="stuck-holder")\nruns'),
    ("markdown", "Exact numbers, one row per run:"),
    ("code", 'runs.frame()[["strategy", "outcome", "time_ps.all", "time_ps.oom_skip", "collateral_kills"]]'),
    ("markdown", "Is it safe? Every interleaving of a small world says:"),
    ("code", 'verdict = mm.check("v4.14")\nverdict.verdict, verdict.complete, list(verdict.counterexamples)'),
    ("markdown", "Many kills on one reaper thread, one in a hundred heavy and with a page lock held against it:"),
    ("code", 'study = mm.Study(heavy="1GiB", rarity="1/100", holds="memory", n="50k", '
             'strategies=["v6.18", "drop-oom-skip"])\n'
             "study.answer()"),
    ("code", 'study.largest("p99<2s")'),
]  # fmt: skip


def main() -> None:
    """Execute the cells from the first to the last and write the notebook whole or not at all."""
    import nbformat  # type: ignore[import-not-found]
    from nbclient import NotebookClient  # type: ignore[import-not-found]

    from mmbench.records.files import write_text

    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    cells = [make[kind](text, id=f"cell-{k}") for k, (kind, text) in enumerate(CELLS)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=600, kernel_name="python3", record_timing=False).execute()
    write_text(NOTEBOOK, nbformat.writes(notebook) + "\n")


if __name__ == "__main__":
    main()
