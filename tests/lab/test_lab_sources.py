"""The machine's apt sources, in both formats, and what is asked of the same archive."""

from pathlib import Path

import pytest

from mmbench.errors import CannotError
from mmbench.lab.sources import find_archive, parse_deb822, parse_list, private_stanza, read_sources

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/a.gpg,/keys/b.gpg] http://mirror.example/debian/ bookworm main contrib  # ours
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb https://other.example/tools ./
"""
STANZAS = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
# between
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
Enabled: no
URIs: http://disabled.example/debian
Suites: trixie
Components: main

Types: deb
URIs: http://one.example/s http://two.example/s
Suites: trixie-security
Components: main
Signed-By: /keys/debian.gpg
"""


def test_one_line_format() -> None:
    main, security, flat = parse_list(ONE_LINE)
    assert (main.uri, main.suites, main.components) == (
        "http://mirror.example/debian/",
        ("bookworm",),
        ("main", "contrib"),
    )
    assert main.signed_by == "/keys/a.gpg /keys/b.gpg"
    assert (security.suites, security.signed_by) == (("bookworm-security",), "")
    assert flat.components == ()


def test_stanzas() -> None:
    main, one, two = parse_deb822(STANZAS)
    assert main.suites == ("trixie", "trixie-updates")
    assert main.signed_by.splitlines()[1:3] == [" -----BEGIN PGP PUBLIC KEY BLOCK-----", " ."]
    assert [one.uri, two.uri] == ["http://one.example/s", "http://two.example/s"]


def test_archive_and_security_are_told_apart() -> None:
    archive = find_archive(parse_list(ONE_LINE), "bookworm")
    assert archive.main.uri == "http://mirror.example/debian/"
    assert archive.security is not None and archive.security.uri == "http://mirror.example/debian-security"
    assert find_archive(parse_list("deb http://a.example/debian sid main"), "").security is None


def test_another_distribution_has_no_kernels_of_ours() -> None:
    sources = parse_list("deb http://a.example/ubuntu noble main\ndeb http://b.example/tools bookworm extra")
    with pytest.raises(CannotError, match=r"no Debian archive.*path to a vmlinuz"):
        find_archive(sources, "bookworm")


def test_other_suites_keep_the_key_and_reading_them_back_finds_them() -> None:
    archive = find_archive(parse_deb822(STANZAS), "trixie")
    (again,) = parse_deb822(private_stanza(archive.main, ("bullseye", "sid")))
    assert (again.uri, again.suites, again.signed_by) == (archive.main.uri, ("bullseye", "sid"), archive.main.signed_by)
    stanza = private_stanza(archive.main, ("sid",))
    assert "Check-Valid-Until: no" in stanza
    assert "trusted" not in stanza.lower()


def test_files_of_both_formats_are_read(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.list").write_text(ONE_LINE)
    (tmp_path / "d" / "b.sources").write_text(STANZAS)
    (tmp_path / "d" / "c.bak").write_text(ONE_LINE)
    assert len(read_sources(tmp_path / "absent", tmp_path / "d")) == 6
