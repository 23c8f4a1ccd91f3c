import errno
import os
import stat

import pytest

from mmbench.errors import CannotError, InputError
from mmbench.records import files
from mmbench.records.files import read_json, read_text, write_json, write_text


def test_what_is_written_is_read_back(tmp_path):
    value = {"b": [1, 2.5, None, True], "a": "µ \n x", "large": 2**63}
    write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == value
    text = read_text(tmp_path / "x.json")
    assert text.endswith("}\n") and text.index('"b"') < text.index('"a"')
    assert os.listdir(tmp_path) == ["x.json"]


def test_a_relative_name_without_a_folder_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text("plain.txt", "x")
    assert read_text("plain.txt") == "x"


def test_new_files_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "x", "")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize("step", ["replace", "fsync"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), CannotError),
        (PermissionError(errno.EACCES, "Permission denied"), InputError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, error, kind):
    path = tmp_path / "x"
    path.write_text("old")

    def fail(*_):
        raise error

    monkeypatch.setattr(files.os, step, fail)
    with pytest.raises(kind):
        write_text(path, "new and longer")
    assert os.listdir(tmp_path) == ["x"] and path.read_text() == "old"


def test_paths_that_cannot_be_written_say_why(tmp_path):
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    cases = {
        tmp_path: "it is a folder",
        tmp_path / "no" / "x": "folder does not exist",
        tmp_path / "file" / "x": "is a file, not a folder",
        tmp_path / ("n" * 300): "name is too long",
        tmp_path / "pipe": "device or a pipe",
        "/dev/null": "device or a pipe",
        "": "empty path",
        "a\0b": "give another path",
    }
    for path, said in cases.items():
        with pytest.raises(InputError, match=said):
            write_text(path, "x")
    assert sorted(os.listdir(tmp_path)) == ["file", "loop", "pipe"]
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": {1}}, [object()], b"x"])
def test_what_json_cannot_say_touches_no_file(tmp_path, value):
    with pytest.raises(InputError, match="cannot be written as JSON"):
        write_json(tmp_path / "x.json", value)
    assert os.listdir(tmp_path) == []


def test_text_that_is_no_unicode_touches_no_file(tmp_path):
    with pytest.raises(InputError, match="no Unicode text"):
        write_text(tmp_path / "x", "ok \udcff")
    assert os.listdir(tmp_path) == []


def test_files_that_cannot_be_read_say_why(tmp_path):
    (tmp_path / "latin").write_bytes(b"ab\xff")
    (tmp_path / "cut.json").write_text('{"a": [1,\n 2')
    (tmp_path / "nan.json").write_text('{"a": NaN}')
    (tmp_path / "deep.json").write_text("[" * 200_000)
    cases = {
        "none": "no file",
        ".": "is a folder",
        "latin": r"not UTF-8 text \(byte 2\)",
        "cut.json": "not JSON: .* at line 2, column 3",
        "nan.json": "contains NaN",
        "deep.json": "nested too deeply",
    }
    for name, said in cases.items():
        with pytest.raises(InputError, match=said):
            read_json(tmp_path / name)
