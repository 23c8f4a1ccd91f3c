"""Headers and the module's build: what decides about the bytes, what the archive lacks, folders that move."""

from pathlib import Path

import pytest

from mmbench.errors import CannotError
from mmbench.lab import build, headers
from mmbench.lab.archive import Wanted, parse_wanted
from mmbench.lab.kernels import Kernel

KERNEL = Kernel(Path("vmlinuz"), "6.12.118+deb13-amd64", "0" * 64, "linux-image-6.12.118+deb13-amd64", "6.12.118-1")
DEPENDS = "linux-headers-6.12.118+deb13-common (= 6.12.118-1), linux-kbuild-6.12.118+deb13, gcc-14"


class Archive:
    """An apt that has these packages."""

    def __init__(self, *names: str) -> None:
        self.has = names

    def names(self, prefix: str) -> list[str]:
        return [name for name in self.has if name.startswith(prefix)]

    def show(self, name: str, version: str = "") -> Wanted | None:
        return Wanted(name, version or "1", 9, "ab", DEPENDS) if name in self.has else None


def test_headers_are_those_of_the_very_build_and_what_they_name() -> None:
    names = ("linux-headers-6.12.118+deb13-amd64", "linux-headers-6.12.118+deb13-common", "linux-kbuild-6.12.118+deb13")
    found = headers.wanted(Archive(*names), KERNEL)  # type: ignore[arg-type]
    assert [package.name for package in found] == list(names)
    assert found[0].version == "6.12.118-1"


def test_a_kernel_whose_headers_are_gone_says_which_are_there() -> None:
    archive = Archive("linux-headers-7.3.4+deb13-amd64", "linux-headers-6.1.0-56-amd64", "linux-headers-amd64")
    with pytest.raises(CannotError, match=r"keeps no headers of Linux 6\.12\.118.*it has headers of 6\.1, 7\.3\. Take"):
        headers.wanted(archive, KERNEL)  # type: ignore[arg-type]


def test_a_kernel_of_the_users_own_has_no_headers_here() -> None:
    with pytest.raises(CannotError, match="bzImage is no kernel of the archive"):
        headers.find_headers(Kernel(Path("bzImage"), "6.9.0", "0" * 64), lambda _: None)


def test_apt_show_is_parsed() -> None:
    text = f"Package: linux-headers-x\nVersion: 2\nDepends: {DEPENDS}\nSize: 7\nSHA256: ab\nDescription: two\n lines\n"
    assert parse_wanted(text) == Wanted("linux-headers-x", "2", 7, "ab", DEPENDS)
    assert parse_wanted("N: no such package\n") is None


def test_makefiles_name_the_folder_they_were_extracted_to(tmp_path: Path) -> None:
    folder = tmp_path / "usr/src/linux-headers-7-amd64"
    folder.mkdir(parents=True)
    (folder / "Makefile").write_text(
        "KBUILD_OUTPUT=/usr/src/linux-headers-7-amd64\ninclude /usr/src/linux-headers-7-common/M\n"
    )
    headers.relocate(tmp_path)
    assert (folder / "Makefile").read_text() == (
        f"KBUILD_OUTPUT={folder}\ninclude {tmp_path}/usr/src/linux-headers-7-common/M\n"
    )


def test_a_module_is_kept_by_all_that_it_is_made_of() -> None:
    files = {"a.c": b"1", "generation.h": b"2"}
    key = build.cache_key("6.12", "gcc 12", files)
    assert key == build.cache_key("6.12", "gcc 12", dict(reversed(files.items())))
    others = [
        build.cache_key("6.13", "gcc 12", files),
        build.cache_key("6.12", "gcc 13", files),
        build.cache_key("6.12", "gcc 12", files | {"a.c": b"3"}),
        build.cache_key("6.12", "gcc 12", files | {"generation.h": b""}),
        build.cache_key("6.12", "gcc 12", {"a.c": b"12", "generation.h": b""}),
    ]
    assert len({key, *others}) == 6


def test_without_a_compiler_the_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotError, match=r"gcc, make, ld, objcopy not found.*apt-get install binutils gcc make"):
        build.gcc_version()


def headers_with(folder: Path, *config: str) -> Path:
    (folder / "include/config").mkdir(parents=True)
    (folder / "include/config/auto.conf").write_text("".join(f"CONFIG_{name}=y\n" for name in config))
    return folder


def test_a_kernel_without_ftrace_is_refused_before_a_build(tmp_path: Path) -> None:
    build.check_config(headers_with(tmp_path / "whole", *build.CONFIG), "6.12")
    poor = headers_with(tmp_path / "poor", "MODULES", "KPROBES", "KALLSYMS", "DYNAMIC_FTRACE_WITH_ARGS")
    with pytest.raises(CannotError, match=r"6\.12 was built without CONFIG_DYNAMIC_FTRACE, CONFIG_DYNAMIC_FTRACE_WITH"):
        build.check_config(poor, "6.12")
    with pytest.raises(CannotError, match=r"no auto\.conf .*; fetch them again"):
        build.check_config(tmp_path, "6.12")


def test_sources_are_in_the_package() -> None:
    assert {"main.c", "designs.h", "Kbuild"} <= set(build.sources())
    assert "README.md" not in build.sources()
