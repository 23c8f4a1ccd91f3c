import pytest

from mmbench.report.units import format_count, format_pages, format_rate, format_share, format_size, format_time


@pytest.mark.parametrize(
    ("time_ps", "text"),
    [
        (None, "-"),
        (0, "0 s"),
        (1, "1 ps"),
        (999, "999 ps"),
        (1_000, "1.00 ns"),
        (999_499, "999 ns"),
        (999_500, "1.00 us"),
        (1_234_567_890, "1.23 ms"),
        (12_345_678_901, "12.3 ms"),
        (99_950_000_000, "100 ms"),
        (999_600_000_000, "1.00 s"),
        (15 * 10**12, "15.0 s"),
        (86_400 * 10**12, "86,400 s"),
    ],
)
def test_time_has_three_digits_and_the_unit_that_survives_rounding(time_ps, text):
    assert format_time(time_ps) == text


def test_pages_come_with_their_size():
    assert format_pages(1234) == "1,234 (4.82 MiB)"
    assert format_pages(0) == "0 (0 B)"
    assert format_pages(1 << 30) == "1,073,741,824 (4.00 TiB)"
    assert format_pages(None) == "-"


def test_sizes_and_rates():
    assert [format_size(n) for n in (None, 0, 1023, 1024, 1 << 20)] == ["-", "0 B", "1023 B", "1.00 KiB", "1.00 MiB"]
    assert format_rate(2_936_012.8) == "11.2 GiB/s"
    assert format_rate(None) == "-"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 10, "0 %"), (10, 10, "100 %"), (1, 10**9, "<1 %"), (10**9 - 1, 10**9, ">99 %"), (62, 100, "62 %")],
)
def test_a_share_says_all_or_nothing_only_when_it_is(part, whole, text):
    assert format_share(part, whole) == text


def test_a_share_of_nothing_is_unknown():
    assert format_share(0, 0) == format_share(None, 5) == format_share(5, None) == "-"


def test_counts():
    assert format_count(1234567) == "1,234,567"
    assert format_count(None) == "-"
