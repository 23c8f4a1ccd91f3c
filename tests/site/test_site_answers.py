"""The answers' pages are the documents: every table, cell and word of them, and no link that leads nowhere."""

from __future__ import annotations

import re

import pytest

from mmbench.site.answers import answer_page, write_answers
from tests.site.conftest import ROOT
from tests.site.test_site_front import Balance
from tests.site.test_site_kernels import Tables

ANSWERS = sorted((ROOT / "docs" / "answers").glob("*.md"))


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_an_answer_has_every_cell_of_its_document(path):
    title, page = answer_page(path.read_text())
    parser = Tables()
    parser.feed(page)
    cells = [words for _, rows in parser.tables for row in rows for _, words in row]
    cells = [words.strip().partition("\n")[0] for words in cells]
    lines = [line for line in path.read_text().splitlines() if line.startswith("|") and "---" not in line]
    plain = [re.sub(r"\*\*|[\\`]", "", cell).strip() for line in lines for cell in line.strip("| ").split(" | ")]
    assert [cell for cell in plain if cell] == [cell for cell in cells if cell] != []
    assert title in page and ".md)" not in re.sub(r"docs/[\w/-]+\.md", "", page)


def test_the_page_is_closed_names_its_rows_and_leaves_no_dead_link():
    _, page = answer_page("# A <b>\n\nsee [the lab](../lab.md)\n\n| | x |\n|---|---|\n| **y** | 1 |\n")
    parser = Balance()
    parser.feed(page)
    assert parser.open == [] and "see the lab (docs/lab.md)" in page and 'lab.md"' not in page
    assert '<th scope="row"><strong>y</strong></th>' in page and '<th scope="col">x</th>' in page
    assert "<b>" not in page


def test_every_answer_is_written_with_its_title(tmp_path):
    titles = write_answers(ROOT / "docs" / "answers", tmp_path / "answers")
    assert sorted(titles) == [path.stem for path in ANSWERS] and all(titles.values())
    assert sorted(path.stem for path in (tmp_path / "answers").iterdir()) == sorted(titles)
