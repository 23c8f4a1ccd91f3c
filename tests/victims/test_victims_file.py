"""The victim file: what is written is read back, and everything else is refused by line and field."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.errors import CannotError, InputError
from mmbench.model.layout import COLUMNS, VM_FLAG_NAMES, VM_UNLOCKING, VmaTable, vma_table
from mmbench.victims.file_format import read_victim, write_victim
from mmbench.victims.runs import check_runs, format_runs, parse_runs, whole_blocks
from mmbench.victims.victim import Victim

GOOD = """\
mmbench-victim 1
name: tiny
source: drawn by hand
kernel: 6.18
start pages flags kind resident huge order elsewhere runs
0x55b9584de 32 - file 20 0 0 20 0+16,28+4
0x7f0000000 1024 locked,lockonfault anon 1000 1 4 0 -
0x7f0001000 4 shared,pfnmap shmem 0 0 0 0 -
end 3
"""
ROW = "0x55b9584de 32 - file 20 0 0 20 0+16,28+4"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "v.victim"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_good_file(tmp_path: Path) -> None:
    victim = read_victim(write(tmp_path, GOOD))
    table = victim.vmas
    assert (victim.name, victim.source, victim.facts) == ("tiny", "drawn by hand", {"kernel": "6.18"})
    assert table.start.tolist() == [0x55B9584DE, 0x7F0000000, 0x7F0001000]
    assert table.flags.tolist() == [0, 0x82000, 0x408]
    assert table.kind.tolist() == [1, 0, 2]
    assert table.resident.tolist() == [20, 1000, 0]
    assert (table.huge.tolist(), table.order.tolist(), table.elsewhere.tolist()) == ([0, 1, 0], [0, 4, 0], [20, 0, 0])
    assert {k: v.tolist() for k, v in table.runs.items()} == {0: [[0, 16], [28, 32]]}
    write_victim(victim, tmp_path / "again.victim")
    assert (tmp_path / "again.victim").read_text() == GOOD


def test_carriage_returns_and_a_missing_last_newline_are_harmless(tmp_path: Path) -> None:
    assert read_victim(write(tmp_path, GOOD.rstrip("\n").replace("\n", "\r\n"))).vmas.n_vmas == 3


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("mmbench-victim 1", "mmbench-victim 2", 1, "version: found '2'; allowed: 1"),
        ("mmbench-victim 1", "<html>", 1, "first line: found '<html>'"),
        ("mmbench-victim 1", "mmbench-victim one", 1, "first line"),
        ("name: tiny\n", "", 4, "'name: ...'"),
        ("source: drawn by hand\n", "", 4, "'source: ...'"),
        ("kernel: 6.18", "name: again", 4, "every key once"),
        ("kernel: 6.18", "kernel 6.18", 4, "'key: value' lines"),
        ("kernel: 6.18", "Kernel: 6.18", 4, "'key: value' lines"),
        ("kernel: 6.18", "kernel:", 4, "header kernel: found ''"),
        ("kernel: 6.18", "kernel: a\x07b", 4, "printable"),
        ("kernel: 6.18", "kernel: " + "x" * 1001, 4, "1 to 1000"),
        ("start pages flags", "start flags pages", 5, "then 'start pages flags"),
        ("0x55b9584de 32", "55b9584de 32", 6, "start: found '55b9584de'"),
        ("0x55b9584de 32", "0xzz 32", 6, "start: found '0xzz'"),
        ("0x55b9584de 32", "-0x1 32", 6, "start: found '-0x1'"),
        ("0x55b9584de 32", "0x1000000000 32", 6, "addresses end below page"),
        ("0x55b9584de 32", "0x55b9584de 3_2", 6, "pages: found '3_2'"),
        ("0x55b9584de 32", "0x55b9584de \u0663", 6, "pages: found '\u0663'"),
        ("0x55b9584de 32", "0x55b9584de nan", 6, "pages: found 'nan'"),
        ("0x55b9584de 32", "0x55b9584de 9999999999999", 6, "pages: found '9999999999999'"),
        ("0x55b9584de 32", "0x55b9584de 0", 6, "at least one page"),
        ("32 - file", "32 lokced file", 6, "flags: found 'lokced'"),
        ("32 - file", "32 locked,locked file", 6, "each once"),
        ("32 - file", "32 , file", 6, "flags: found ','"),
        ("32 - file", "32 - filé", 6, "kind: found 'filé'"),
        ("file 20", "file -1", 6, "resident: found '-1'"),
        ("file 20", "file 1e3", 6, "resident: found '1e3'"),
        ("file 20", "file 33", 6, "resident is between 0 and pages"),
        ("file 20", "file 21", 6, "runs hold 20 pages, but resident is 21"),
        ("anon 1000 1", "anon 1000 2", 7, "huge blocks are resident"),
        ("anon 1000 1", "anon 1000 x", 7, "huge: found 'x'"),
        ("1000 1 4 0", "1000 1 10 0", 7, "folio order is between 0 and 9"),
        ("1000 1 4 0", "1000 1 4.5 0", 7, "order: found '4.5'"),
        ("20 0 0 20", "20 0 0 21", 6, "elsewhere is between 0 and resident"),
        ("20 0 0 20", "20 0 0 +1", 6, "elsewhere: found '\\+1'"),
        ("0+16,28+4", "0-16,28-4", 6, "runs: found '0-16,28-4'"),
        ("0+16,28+4", "0+16,28+", 6, "runs: found"),
        ("0+16,28+4", "28+4,0+16", 6, "ascending and disjoint"),
        ("0+16,28+4", "0+16,14+4", 6, "ascending and disjoint"),
        ("0+16,28+4", "0+20,28+0", 6, "ascending and disjoint"),
        ("0+16,28+4", "0+16,30+4", 6, "runs end at page 34 of a VMA of 32 pages"),
        (" 0+16,28+4", "", 6, "9 fields"),
        (ROW, ROW + " ", 6, "9 fields"),
        (ROW, ROW.replace(" ", "\t"), 6, "9 fields"),
        (ROW, ROW.replace("0+16", "0+16\u00a0"), 6, "runs: found"),
        (ROW, ROW.replace(" file", " file\x0b"), 6, "kind: found"),
        (ROW, ROW.replace("0+16", "\x0b0+16"), 6, "fields without other blanks"),
        (ROW, "", 6, "9 fields"),
        ("0x7f0000000 1024", "0x55b9584e0 1024", 7, "VMA 1 starts at page"),
        ("0x7f0000000 1024", "0x1 1024", 7, "sorted and disjoint"),
        ("end 3", "end 4", 9, "'end 3', because 3 VMAs were read"),
        ("end 3", "end", 9, "'end 3'"),
        ("end 3\n", "end 3\nmore\n", 10, "after the end: found 'more'"),
        ("end 3\n", "", 9, "the file ends here"),
    ],
)
def test_every_field_is_checked(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert GOOD.count(old) == 1
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        read_victim(path)
    assert str(caught.value).startswith(f"{path}, line {line}")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("length", range(len(GOOD) - 1))
def test_every_truncation_is_noticed(tmp_path: Path, length: int) -> None:
    with pytest.raises(InputError, match=r"line \d+"):
        read_victim(write(tmp_path, GOOD[:length]))


def test_a_file_without_vmas_is_refused(tmp_path: Path) -> None:
    head = GOOD[: GOOD.index("0x55")]
    with pytest.raises(InputError, match="at least one VMA"):
        read_victim(write(tmp_path, head + "end 0\n"))


def test_bytes_that_are_no_text_and_endless_lines_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2: found bytes that are not UTF-8"):
        read_victim(write(tmp_path, b"mmbench-victim 1\nname: \xff\xfe\n"))
    with pytest.raises(InputError, match="line 1: longer than"):
        read_victim(write(tmp_path, b"x" * (3 << 20)))


def test_no_file_is_bad_input_and_no_permission_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (tmp_path / "none.victim", tmp_path, tmp_path / ("x" * 300), Path("a\0b")):
        with pytest.raises(InputError, match="Give the path of a victim file"):
            read_victim(path)
    path = write(tmp_path, GOOD)
    monkeypatch.setattr("builtins.open", _denied)
    with pytest.raises(CannotError, match=r"cannot read .*Permission denied"):
        read_victim(path)


def _denied(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def small_table() -> VmaTable:
    return vma_table({"start": [1, 10], "pages": [4, 4]})


@pytest.mark.parametrize(
    "victim",
    [
        Victim("two\nlines", small_table(), "s"),
        Victim("", small_table(), "s"),
        Victim("v", small_table(), " padded "),
        Victim("v", small_table(), "s", {"Bad Key": "x"}),
        Victim("v", small_table(), "s", {"key": ""}),
        Victim("v", vma_table({"start": [1], "pages": [4], "flags": VM_UNLOCKING}), "s"),
        Victim("v", vma_table({"start": [1], "pages": [4]}, {0: np.array([[0, 3]])}), "s"),
        Victim("v", vma_table({"start": [1], "pages": [4]}, {3: np.array([[0, 4]])}), "s"),
    ],
)
def test_what_no_file_can_hold_is_not_written(tmp_path: Path, victim: Victim) -> None:
    with pytest.raises(InputError):
        write_victim(victim, tmp_path / "v.victim")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, GOOD)
    monkeypatch.setattr(os, "replace", _denied)
    with pytest.raises(InputError, match=r"cannot write .*permission denied"):
        write_victim(Victim("v", small_table(), "s"), path)
    assert path.read_text() == GOOD
    assert list(tmp_path.iterdir()) == [path]


def test_writing_into_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its folder does not exist"):
        write_victim(Victim("v", small_table(), "s"), tmp_path / "none" / "v.victim")


@st.composite
def vma_tables(draw: st.DrawFn) -> VmaTable:
    """Any valid table: gaps, lengths, flags, kinds, and runs for some of the VMAs."""
    rows: dict[str, list[int]] = {name: [] for name in COLUMNS}
    runs: dict[int, np.ndarray] = {}
    free = draw(st.integers(0, 1 << 35))
    for i in range(draw(st.integers(1, 6))):
        start = free + draw(st.integers(0, 2000))
        pages = draw(st.integers(1, 3000))
        exact = None
        if draw(st.booleans()):
            cuts = sorted(draw(st.sets(st.integers(0, pages), min_size=2, max_size=8)))
            exact = np.array(cuts[: len(cuts) // 2 * 2], dtype=np.int64).reshape(-1, 2)
            runs[i] = exact
        resident = int((exact[:, 1] - exact[:, 0]).sum()) if exact is not None else draw(st.integers(0, pages))
        room = max((start + pages) // 512 + -start // 512, 0)
        most = whole_blocks(exact + start) if exact is not None else min(room, resident // 512)
        rows["start"].append(start)
        rows["pages"].append(pages)
        rows["flags"].append(sum(draw(st.sets(st.sampled_from(list(VM_FLAG_NAMES.values()))))))
        rows["kind"].append(draw(st.integers(0, 2)))
        rows["resident"].append(resident)
        rows["huge"].append(draw(st.integers(0, most)))
        rows["order"].append(draw(st.integers(0, 9)))
        rows["elsewhere"].append(draw(st.integers(0, resident)))
        free = start + pages
    return vma_table(rows, runs)  # type: ignore[arg-type]


TEXT = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
FACTS = st.dictionaries(st.from_regex(r"[a-z][a-z0-9_-]{0,10}", fullmatch=True), TEXT, max_size=4)


@settings(deadline=None)
@given(vma_tables(), TEXT, TEXT, FACTS)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, table: VmaTable, name: str, source: str, facts: dict[str, str]
) -> None:
    facts = {key: value for key, value in facts.items() if key not in ("name", "source")}
    path = tmp_path_factory.mktemp("round") / "v.victim"
    write_victim(Victim(name, table, source, facts), path)
    back = read_victim(path)
    assert (back.name, back.source, back.facts) == (name, source, facts)
    for column in COLUMNS:
        assert (getattr(back.vmas, column) == getattr(table, column)).all()
    assert back.vmas.runs.keys() == table.runs.keys()
    assert all((back.vmas.runs[i] == table.runs[i]).all() for i in table.runs)
    assert os.listdir(path.parent) == ["v.victim"]


def test_facts_cannot_shadow_the_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name"):
        write_victim(Victim("v", small_table(), "s", {"name": "other"}), tmp_path / "v.victim")


def test_runs_must_hold_the_huge_blocks_they_claim() -> None:
    rows: dict[str, object] = {"start": [512], "pages": [1024], "resident": [600], "huge": [1]}
    check_runs(vma_table(rows, {0: np.array([[424, 1024]])}))
    with pytest.raises(InputError, match="runs hold 0 whole 2 MiB blocks, but huge is 1"):
        check_runs(vma_table(rows, {0: np.array([[1, 301], [400, 700]])}))


def test_touching_runs_count_as_one() -> None:
    assert whole_blocks(np.array([[0, 100], [100, 512], [513, 1024]])) == 1
    assert parse_runs(format_runs(np.array([[0, 1], [5, 9]]))).tolist() == [[0, 1], [5, 9]]
