"""Where compiled code cannot be kept, is damaged, or is written twice at once: the same answers, and one sentence."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from mmbench import codecache
from mmbench.codecache import CacheWarning, prepare_cache

# One small compiled function, with how many times it had to be compiled.
ASK = """
import numpy as np
from mmbench import rng
print(rng.mix(np.uint64(7)), sum(rng.mix.stats.cache_misses.values()))
"""
DRAW = """
import numpy as np
from mmbench import rng
print(rng.draw64(np.{0}(1), np.{0}(2), np.{0}(3)), sum(rng.draw64.stats.cache_misses.values()))
"""
# What two entries call inside compiled code.
SHARED = """
import numpy as np
from mmbench.accelerate import njit, njit_shared, pointer

@njit_shared
def at(cells, n):
    return cells[n] + 1

@njit
def first(array):
    return at(pointer(array), len(array) - 2)

@njit
def second(array):
    return at(pointer(array), len(array) - 1)
"""
NO_FOLDER = "/dev/null/home"  # for root, too, there is nothing below a device


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No home, no choice of one's own, and an empty temporary folder."""
    for name in ("XDG_CACHE_HOME", codecache.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", NO_FOLDER)
    monkeypatch.setattr(codecache, "_said", set())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return monkeypatch


def asked(cache: object, code: str = ASK, **options: object) -> tuple[str, str]:
    """(what is printed, what is said on stderr) by a process with this cache folder."""
    env = os.environ | {codecache.VARIABLE: str(cache), "NUMBA_DISABLE_JIT": "0"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True, **options)  # type: ignore[call-overload]
    return done.stdout, done.stderr


def test_a_home_that_can_be_written_is_used_in_silence(places, tmp_path, recwarn):
    places.setenv("HOME", str(tmp_path / "home"))
    assert prepare_cache() == tmp_path / "home/.cache/mmbench/kernels" / codecache.source_hash()
    assert not recwarn.list


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME", codecache.VARIABLE])
def test_a_folder_that_cannot_be_written_is_replaced_and_that_is_said_once(places, tmp_path, variable, recwarn):
    places.setenv(variable, NO_FOLDER)
    folder = prepare_cache()
    assert folder is not None and folder.parent == tmp_path / f"mmbench-{os.getuid()}"
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    (said,) = recwarn.list
    assert said.category is CacheWarning and codecache.VARIABLE in str(said.message)
    codecache._said.clear()
    assert prepare_cache() == folder and len(recwarn.list) == 1, "a process started by this one says it again"


def test_code_is_never_loaded_from_a_folder_that_others_can_write(places, tmp_path):
    (tmp_path / f"mmbench-{os.getuid()}").mkdir(mode=0o777)
    (tmp_path / f"mmbench-{os.getuid()}").chmod(0o777)
    with pytest.warns(CacheWarning, match="compiles anew"):
        assert prepare_cache() is None
    assert prepare_cache() is None


def test_a_link_in_the_temporary_folder_is_not_followed(places, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"mmbench-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.warns(CacheWarning, match="compiles anew"):
        assert prepare_cache() is None


def test_without_any_folder_the_answer_is_the_same(tmp_path):
    kept = asked(tmp_path)
    assert asked(tmp_path)[0] == kept[0].replace(" 1", " 0")
    assert asked(os.devnull) == (kept[0], "")


def test_a_full_disk_is_one_sentence(tmp_path):
    def no_byte_more() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    code = ASK + DRAW.format("int64")
    out, err = asked(tmp_path, code, preexec_fn=no_byte_more)
    assert out == asked(os.devnull, code)[0].replace(" 0", " 1")
    assert err.count("compiled code cannot be kept (File too large)") == 1 and codecache.VARIABLE in err


def test_a_damaged_file_is_compiled_again(tmp_path):
    fresh = asked(tmp_path)
    for pattern in ("*.nbc", "*.nbi"):
        for path in tmp_path.rglob(pattern):
            path.write_bytes(path.read_bytes()[:100])
        assert asked(tmp_path) == fresh
    assert asked(tmp_path) != fresh, "it is not kept"


def test_two_that_compile_at_once_both_keep_what_they_compiled(tmp_path):
    env = os.environ | {codecache.VARIABLE: str(tmp_path), "NUMBA_DISABLE_JIT": "0"}
    codes = [DRAW.format(word) for word in ("int64", "uint64")]
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True) for code in codes
    ]
    answers = [process.communicate()[0] for process in started]
    assert all(answer.endswith(" 1\n") for answer in answers)
    assert [asked(tmp_path, code)[0] for code in codes] == [answer.replace(" 1", " 0") for answer in answers]


def test_what_only_compiled_code_calls_is_kept_and_linked_into_the_next_caller(tmp_path, monkeypatch):
    (tmp_path / "shared.py").write_text(SHARED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for caller, found in (("first", "[6 0 1]"), ("second", "[8 1 0]")):
        code = f"""
import shared
import numpy as np
found = shared.{caller}(np.array([5, 7]))
print(np.array([found, *(sum(n.values()) for n in (shared.at.stats.cache_hits, shared.at.stats.cache_misses))]))
"""
        assert asked(tmp_path / "cache", code) == (f"{found}\n", "")
