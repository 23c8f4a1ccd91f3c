"""Sizes and shares: exact, and refused with what is allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench.errors import InputError
from mmbench.victims.sizes import (
    MAX_SIZE_BYTES,
    check_share,
    check_size,
    format_share,
    format_size,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("4096", 4096),
        ("64GiB", 64 << 30),
        ("64 gib", 64 << 30),
        ("64G", 64 << 30),
        ("1.5TiB", 3 << 39),
        ("10GB", 10**10),
        ("38.5GB", 38_500_000_000),
        ("300MiB", 300 << 20),
        ("46494.72MiB", -(-4649472 * (1 << 20) // 100)),
        ("256TiB", MAX_SIZE_BYTES),
        ("5kB", 5000),
        ("8192B", 8192),
    ],
)
def test_sizes_are_exact(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "NaN",
        "inf",
        "-1GiB",
        "+1GiB",
        "0",
        "0GiB",
        "17",
        "1e30",
        "257TiB",
        "9" * 5000,
        "64XiB",
        "GiB",
        "1.GiB",
        "1_000GiB",
        "\N{ARABIC-INDIC DIGIT SIX}GiB",
        "64 Gi B",
        "99999999999999999999TiB",
        "0x1000",
    ],
)
def test_bad_sizes_say_what_is_allowed(text: str) -> None:
    with pytest.raises(InputError, match=r"^victim .*Allowed: 4 KiB to 256 TiB") as caught:
        parse_size(text, "victim")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("text", "share"), [("0.9", 0.9), ("90%", 0.9), ("0", 0.0), ("1", 1.0), (".5", 0.5), ("100 %", 1.0)]
)
def test_shares(text: str, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["", "nan", "inf", "-0.1", "1.1", "101%", "1e-3", "half", "9" * 400])
def test_bad_shares_say_what_is_allowed(text: str) -> None:
    with pytest.raises(InputError, match=r"^locked .*Allowed: "):
        parse_share(text, "locked")


@pytest.mark.parametrize("share", [float("nan"), float("inf"), -1e-9, 1.0000001])
def test_shares_given_as_numbers_are_checked(share: float) -> None:
    with pytest.raises(InputError, match="Allowed"):
        check_share(share, "thp")


@pytest.mark.parametrize("size_bytes", [-1, 0, 4095, MAX_SIZE_BYTES + 1, 10**400])
def test_sizes_given_as_numbers_are_checked(size_bytes: int) -> None:
    with pytest.raises(InputError, match="Allowed"):
        check_size(size_bytes)


@given(st.integers(1, 1 << 18), st.sampled_from([("KiB", 10), ("MiB", 20), ("GiB", 30)]))
def test_formatted_sizes_read_back(number: int, unit: tuple[str, int]) -> None:
    size_bytes = max(number << unit[1], 4096)
    back = parse_size(format_size(size_bytes))
    assert abs(back - size_bytes) <= size_bytes * 0.005 + 1


def test_formats_are_for_people() -> None:
    assert format_size(68719476736) == "64 GiB"
    assert format_size(1000) == "1000 bytes"
    assert format_size(8117 * 2**20) == "7.93 GiB"
    assert format_share(0.9) == "90 %"
    assert format_share(0.97723) == "97.7 %"
