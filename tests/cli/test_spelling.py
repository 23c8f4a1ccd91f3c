"""One spelling across verbs: designs are positionals, pictures --plot [KIND=]FILE; older spellings work and say so."""

from __future__ import annotations

import json

import pytest

from mmbench.cli.main import main

SMALL = ("--size", "4MiB", "--vmas", "4")


def names(capsys, *argv):
    code = main([*argv, "--format", "json"])
    out, err = capsys.readouterr()
    assert code == 0
    return [record["strategy"] for record in json.loads(out)], err


def test_designs_may_stand_before_and_behind_options(capsys):
    assert names(capsys, "compare", "v6.1", *SMALL, "v6.18") == (["v6.1", "v6.18"], "")


def test_the_older_spelling_of_designs_works_and_says_how_it_is_written_now(capsys):
    found, err = names(capsys, "compare", *SMALL, "--strategy", "v6.1", "v6.18")
    assert found == ["v6.1", "v6.18"]
    assert err == "mmbench: --strategy is written without it, as in v6.1 v6.18 now; the next release refuses it\n"


def test_the_older_spelling_of_pictures_works_too(tmp_path, capsys):
    assert main(["trace", "v6.18", *SMALL, "--png", str(tmp_path / "a.png")]) == 0
    assert "--png is written --plot now" in capsys.readouterr().err and (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("argv", "kinds"),
    [
        (("compare", "v6.1", "v6.18", "v4.14", *SMALL, "--scenario", "mrelease"), ("", "freed=", "bars=", "pareto=")),
        (("compare", "v6.1", "v6.18", "--vmas", "4", "--sweep", "size=4MiB,8MiB"), ("", "heatmap=", "bars=")),
        (("compare", "v6.1", "v6.18", *SMALL, "--sweep", "locked=0%,100%"), ("bars=",)),
        (("trace", "v6.1", *SMALL), ("", "timeline=")),
    ],
)
def test_every_kind_of_picture_by_its_word_and_the_first_without_one(argv, kinds, tmp_path, capsys):
    paths = [tmp_path / f"{k}.png" for k in range(len(kinds))]
    asked = [word for kind, path in zip(kinds, paths, strict=True) for word in ("--plot", f"{kind}{path}")]
    assert main([*argv, *asked]) == 0
    assert [path.read_bytes()[:4] for path in paths] == [b"\x89PNG"] * len(kinds)
    if kinds[0] == "":
        assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("compare", "--plot", "pie=a.png"), "one of freed, bars, pareto, as in freed=a.png"),
        (("compare", "--sweep", "size", "--plot", "pareto=a.png"), "one of heatmap, bars"),
        (("trace", "v6.1", "--plot", "bars="), "allowed is FILE"),
        (("compare", "--sweep", "vmas"), "allowed are locked and size"),
        (("compare", "--sweep", "size=1GiB,1024MiB"), "named twice"),
        (("compare", "--sweep", "size", "--size", "1GiB"), "leave out --size"),
        (("compare", "v6.1", *SMALL, "--baseline", "v6.18"), "baseline"),
    ],
)
def test_what_cannot_be_drawn_or_swept_is_a_sentence(argv, says, capsys):
    assert main(list(argv)) == 2
    assert says in capsys.readouterr().err


def test_a_word_that_is_no_option_is_refused(capsys):
    with pytest.raises(SystemExit) as error:
        main(["compare", "v6.1", "--plott", "a.png"])
    assert error.value.code == 2 and "unrecognized arguments: --plott a.png" in capsys.readouterr().err


def test_ratios_are_of_the_first_design_where_v6_18_takes_no_part(capsys):
    assert main(["compare", "v5.17", "v6.1", *SMALL]) == 0
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("v5.17 ")]
    assert "1.00x" in row
