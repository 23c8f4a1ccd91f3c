"""What a user may type for a victim."""

from __future__ import annotations

from pathlib import Path

import pytest

import mmbench.victims as victims
from mmbench.errors import InputError
from mmbench.victims import PROFILES, recorded_victims, synthetic, victim, write_victim


def test_a_profile_a_recording_a_size_and_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert victim("cassandra").name == "cassandra"
    assert victim("cassandra:1GiB").vmas.resident_pages == 1 << 18
    assert victim("earlyoom").facts["comm"] == "earlyoom"
    assert victim("64MiB").vmas.resident_pages == 1 << 14
    monkeypatch.chdir(tmp_path)
    tiny = synthetic(1 << 20, vmas=4)
    for name in ("a.victim", "plain", "seastar"):
        write_victim(tiny, tmp_path / name)
        assert victim(str(tmp_path / name)).vmas.n_vmas == 4
    assert victim("a.victim").vmas.n_vmas == victim("plain").vmas.n_vmas == victim("./seastar").vmas.n_vmas == 4
    assert victim("seastar").vmas.n_vmas == 32  # a name goes before a file


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("seastr", "unknown victim 'seastr'. Did you mean 'seastar'"),
        ("erlyoom", "Did you mean 'earlyoom'"),
        ("nanny", "unknown victim"),
        ("", "unknown victim ''"),
        ("nan", "is not a size"),
        ("-inf", "is not a size"),
        ("-64GiB", "is not a size"),
        ("0", "Allowed: 4 KiB to 256 TiB"),
        ("9" * 300, "is not a size"),
        ("1PiB", "is not a size"),
        ("/no/such.victim", "No such file"),
        ("gone.victim", "No such file"),
        ("a\0b", "unknown victim"),
        ("a/\0b", "holds a NUL"),
        ("eos-nodeos:1GiB", "one documented size"),
        ("cassandra:", "is not a size"),
    ],
)
def test_bad_specs(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        victim(spec)


def test_names_do_not_clash() -> None:
    assert not set(PROFILES) & set(recorded_victims())


def test_public_names_exist_and_are_listed() -> None:
    assert sorted(victims.__all__) == victims.__all__
    assert all(name in (victims.__doc__ or "") for name in victims.__all__ if name not in ("Victim", "Profile"))
    assert all(getattr(victims, name) is not None for name in victims.__all__)
