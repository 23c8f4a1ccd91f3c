"""`mmbench trace`, and the promise that every token which a report prints does its run again, byte for byte."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path

import pytest

from mmbench.cli.main import main

SMALL = ("--size", "16MiB", "--vmas", "20", "--scenario", "stuck-holder")
TOKEN = re.compile(r"mm1-[A-Za-z0-9_-]+")


def out_of(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    capsys.readouterr()
    assert main(list(argv)) == 0
    return capsys.readouterr().out


def tokens_in(text: str) -> set[str]:
    """Tokens of a report: whole words, those that a narrow page breaks put together."""
    lines = text.split("\n")
    found = set()
    for k, line in enumerate(lines):
        if line.startswith("mm1-"):
            word = line
            for more in lines[k + 1 :]:
                if not re.fullmatch(r"[A-Za-z0-9_-]+", more) or len(word.split("\n")[-1]) < 120:
                    break
                word += "\n" + more
            found.add(word.replace("\n", ""))
    return found


def metadata_of(png: Path) -> str:
    """Text chunks of a PNG."""
    data, at, words = png.read_bytes(), 8, []
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if kind == b"tEXt":
            words.append(body.decode("latin-1"))
        elif kind == b"zTXt":
            name, _, rest = body.partition(b"\0")
            words.append(name.decode() + zlib.decompress(rest[1:]).decode("latin-1"))
        at += 12 + length
    return "\n".join(words)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("trace")
    trace, png = folder / "t.json", folder / "t.png"
    assert main(["trace", "v5.17", *SMALL, "-o", str(trace), "--plot", str(png)]) == 0
    return trace, png


def test_the_files_are_written_and_nothing_is_printed(capsys, tmp_path):
    trace, png = tmp_path / "t.json", tmp_path / "t.png"
    assert out_of(capsys, "trace", "v6.18", *SMALL, "-o", str(trace), "--plot", str(png)) == ""
    assert json.loads(trace.read_text())["displayTimeUnit"] == "ns"
    assert png.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.json", "t.png"]


def test_the_table_names_locks_and_kernel_events(capsys):
    text = out_of(capsys, "trace", "drop-oom-skip", *SMALL)
    assert "| model | scenario stuck-holder" in text.splitlines()[0]
    for words in (
        "mmap_lock retry, 10 times",
        "oom:skip_task_reaping",
        "MMF_OOM_SKIP set",
        "mmap:exit_mmap",
        "munlock",
    ):
        assert words in text
    assert not tokens_in(text) and len(tokens_in(out_of(capsys, "trace", "drop-oom-skip", *SMALL, "--tokens"))) == 1


def test_the_json_table_is_in_order_with_exact_times(capsys):
    rows = json.loads(out_of(capsys, "trace", "v6.1", *SMALL, "--format", "json"))
    assert [r["at_ps"] for r in rows] == sorted(r["at_ps"] for r in rows)
    assert {"hold", "wait", "work", "event"} <= {r["kind"] for r in rows}


def test_a_record_of_run_is_traced_as_the_run_itself(capsys, tmp_path):
    record = tmp_path / "run.json"
    record.write_text(out_of(capsys, "run", "trylock", *SMALL, "--format", "json"))
    by_file = out_of(capsys, "trace", str(record))
    assert by_file == out_of(capsys, "trace", "trylock", *SMALL)


@pytest.mark.parametrize("where", ["compare", "sweep", "run", "trace", "json", "csv", "heatmap", "timeline", "chrome"])
def test_every_token_of_a_report_does_its_run_again(capsys, tmp_path, files, where):
    picture = tmp_path / "p.png"
    designs = ("v4.17", "drop-oom-skip", "v6.18")
    sweep = ("compare", "--sweep", "locked=0%,50%,100%", "--size", "16MiB", "--scenario", "stuck-holder", *designs)
    if where in ("heatmap", "timeline"):
        if where == "heatmap":
            out_of(capsys, *sweep, "--plot", str(picture))
        found = set(TOKEN.findall(metadata_of(picture if where == "heatmap" else files[1])))
    elif where == "chrome":
        found = {json.loads(files[0].read_text())["otherData"]["token"]}
    elif where == "json":
        found = {r["token"] for r in json.loads(out_of(capsys, "compare", *SMALL, *designs, "--format", "json"))}
    elif where == "csv":
        found = set(TOKEN.findall(out_of(capsys, "compare", *SMALL, *designs, "--format", "csv")))
    else:
        argv = {"compare": ("compare", *SMALL, *designs, "--tokens"), "sweep": (*sweep, "--tokens")}.get(
            where, (where, "v5.17", *SMALL, "--tokens")
        )
        found = tokens_in(out_of(capsys, *argv))
    many = {"compare": 2, "sweep": 1, "json": 3, "csv": 3, "heatmap": 1}
    assert len(found) >= many.get(where, 1)
    everything = json.loads(out_of(capsys, *sweep, "--format", "json"))
    everything += json.loads(out_of(capsys, "compare", *SMALL, *designs, "v5.17", "--format", "json"))
    for token in found:
        again = out_of(capsys, "run", "--replay", token, "--format", "json")
        (original,) = (r for r in everything if r["token"] == token)
        assert again == json.dumps([original], indent=1, ensure_ascii=False) + "\n"
        traced = tmp_path / "again.json"
        out_of(capsys, "trace", "--replay", token, "-o", str(traced))
        first = traced.read_bytes()
        out_of(capsys, "trace", "--replay", token, "-o", str(traced))
        assert traced.read_bytes() == first


def test_a_replayed_trace_is_the_trace_byte_for_byte(capsys, tmp_path, files):
    token = json.loads(files[0].read_text())["otherData"]["token"]
    again, png = tmp_path / "t.json", tmp_path / "t.png"
    out_of(capsys, "trace", "--replay", token, "-o", str(again), "--plot", str(png))
    assert again.read_bytes() == files[0].read_bytes()
    assert png.read_bytes() == files[1].read_bytes()


BAD = {
    "nothing": (["trace"], "give a strategy"),
    "both": (["trace", "v6.1", "--replay", "mm1-x"], "one of the two"),
    "damaged token": (["trace", "--replay", "mm1-xx"], "damaged"),
    "no such design": (["trace", "v9"], "v9"),
    "no such record": (["trace", "missing.json"], "no file"),
    "suffix": (["trace", "v6.1", "--plot", "a.gif"], "allowed: .png"),
    "folder": (["trace", "v6.1", *SMALL, "-o", "missing/t.json"], "folder does not exist"),
    "sweep of what": (["compare", "--sweep", "vmas=7"], "allowed are locked and size"),
    "sweep twice": (["compare", "--sweep", "locked=0%,0"], "named twice"),
    "sweep of a share": (["compare", "--sweep", "locked=120%"], "locked is 1.2"),
    "sweep and victim": (["compare", "--sweep", "locked", "--victim", "eos-nodeos"], "leave out --victim"),
    "sweep and share": (["compare", "--sweep", "locked", "--locked", "0.5"], "leave out --locked"),
}


@pytest.mark.parametrize(("argv", "words"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_a_sentence(capsys, tmp_path, monkeypatch, argv, words):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_record_or_many_is_refused(capsys, tmp_path):
    path = tmp_path / "r.json"
    path.write_text('{"format": "something"}')
    assert main(["trace", str(path)]) == 2
    path.write_text(out_of(capsys, "compare", *SMALL, "v6.1", "v6.18", "--format", "json"))
    assert main(["trace", str(path)]) == 2
    assert "2 run records" in capsys.readouterr().err
