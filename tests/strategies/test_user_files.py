"""A user's file cannot end the program or spoil its output; whatever is wrong with it is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbench.errors import InputError
from mmbench.strategies import IDS, load
from mmbench.strategies.load import split_spec

GOOD = """
from dataclasses import dataclass, replace
from mmbench.machine.protocol import WHY_GAVE_UP, WHY_LOCKED, Op, Param, step
from mmbench.strategies import v6_18

@dataclass
class Knob:
    n: "int" = 1

def roles(**params):
    HOOK
    return v6_18.roles()

STRATEGY = replace(replace(v6_18.STRATEGY, id="mine", roles=roles)CHANGE)
END
"""


def write(path: Path, *, hook: str = "pass", change: str = "", end: str = "") -> str:
    text = GOOD.replace("HOOK", hook).replace("CHANGE", change).replace("END", end)
    path.write_text("from __future__ import annotations\n" + text)
    return str(path)


WRONG = {
    "exits": ({"end": "import sys; sys.exit(0)"}, r"calls sys\.exit\(0\)"),
    "exits in roles()": ({"hook": "raise SystemExit"}, r"roles\(\{\}\) calls sys\.exit\(None\)"),
    "raises what nobody catches": ({"end": "raise BaseException('boo')"}, "fails: BaseException: boo"),
    "raises in roles()": ({"hook": "1 / 0"}, "fails: ZeroDivisionError"),
    "wrong op": ({"hook": "Op.UNMAP"}, "AttributeError.*UNMAP"),
    "no Python": ({"end": "def"}, r"mine\.py, line \d+: invalid syntax"),
    "no id": ({"change": ", id=None"}, "id = None; it is a word"),
    "id of two words": ({"change": ", id='a b'"}, "it is a word without blanks"),
    "title": ({"change": ", title=3"}, "title = 3; it is a text"),
    "sources": ({"change": ", sources='abc'"}, "sources = 'abc'; it is a tuple"),
    "assumes": ({"change": ", assumes=None"}, "assumes = None; it is a dict"),
    "assumes numbers": ({"change": ", assumes={'delay': 2}"}, "it is a dict of texts"),
    "roles": ({"change": ", roles=roles()"}, "roles = {.*it is a function"),
    "params": ({"change": ", params={'x': 3}"}, "params = .*it is a dict of name"),
    "default": ({"change": ", params={'x': Param('a', ('b',), '')}"}, "the default one of the choices"),
    "no dict": ({"hook": "return 3"}, r"roles\(\) returns int"),
    "no steps": ({"hook": "return {**v6_18.roles(), 'exit': None}"}, "role 'exit': NoneType; a role is a tuple"),
    "no role": ({"hook": "return {3: ()}"}, "unknown role 3"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_refused_with_a_sentence(what: str, tmp_path: Path) -> None:
    how, message = WRONG[what]
    with pytest.raises(InputError, match=message) as found:
        load(write(tmp_path / "mine.py", **how))
    assert "\n" not in str(found.value) and len(str(found.value)) < 500


def test_what_a_file_prints_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(write(tmp_path / "mine.py", hook="print('in roles')", end="print('at import')"))
    out, err = capsys.readouterr()
    assert out == "" and "in roles" in err and "at import" in err


def test_ctrl_c_in_a_file_is_ctrl_c(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(write(tmp_path / "mine.py", end="raise KeyboardInterrupt"))


@pytest.mark.parametrize("folder", ["a:b", "a=b:c", "plain"])
def test_a_path_may_have_colons(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    path = write(tmp_path / folder / "mine.py", change=", params={'x': Param('a', ('a', 'b'), '')}")
    assert load(path).name == "mine@mine.py"
    assert load(f"{path}:x=b").name == "mine@mine.py:x=b"
    assert split_spec(f"{path}:x=b") == (path, {"x": "b"})
    with pytest.raises(InputError, match="does not exist"):
        load(str(tmp_path / folder / "other.py"))


@pytest.mark.parametrize("spec", ["./" + 300 * "x" + ".py", "./\0.py", "./none.py", 5000 * "y", "v6.1:" + 5000 * "z"])
def test_a_name_that_no_file_has_is_refused_shortly(spec: str) -> None:
    with pytest.raises(InputError) as found:
        load(spec)
    assert len(str(found.value)) < 400


def test_the_shipped_designs_are_what_the_protocol_says() -> None:
    assert [load(name).strategy.id for name in IDS] == list(IDS)
