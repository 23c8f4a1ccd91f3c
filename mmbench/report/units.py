"""Every number shown to a person carries its unit and three significant digits; what never happened is "-"."""

from __future__ import annotations

NOTHING = "-"
PAGE_BYTES = 4096

TIME_UNITS = ((10**12, "s"), (10**9, "ms"), (10**6, "us"), (10**3, "ns"))
SIZE_UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def format_time(time_ps: int | None) -> str:
    """Return picoseconds as "1.23 ms"; whole picoseconds and whole seconds above 999 are exact, None is "-"."""
    if time_ps is None:
        return NOTHING
    if time_ps == 0:
        return "0 s"
    if time_ps < 1000:
        return f"{time_ps} ps"
    return _scaled(time_ps, TIME_UNITS)


def format_size(n_bytes: float | None) -> str:
    """Return bytes as "4.82 MiB" (binary units), None as "-"."""
    if n_bytes is None:
        return NOTHING
    if n_bytes < 1024:
        return f"{n_bytes:.0f} B"
    return _scaled(n_bytes, SIZE_UNITS)


def format_pages(n_pages: int | None) -> str:
    """Return a number of 4 KiB pages as "1,234 (4.82 MiB)", None as "-"."""
    return NOTHING if n_pages is None else f"{n_pages:,} ({format_pages_size(n_pages)})"


def format_pages_size(n_pages: int | None) -> str:
    """Return the size of 4 KiB pages as "4.82 MiB", None as "-"."""
    return NOTHING if n_pages is None else format_size(n_pages * PAGE_BYTES)


def format_rate(pages_per_s: float | None) -> str:
    """Return pages per second as "11.2 GiB/s", None as "-"."""
    return NOTHING if pages_per_s is None else f"{format_size(pages_per_s * PAGE_BYTES)}/s"


def format_share(part: float | None, whole: float | None) -> str:
    """Return part of whole as "62 %"; 0 % and 100 % mean exactly that, so "<1 %" and ">99 %" stand beside them."""
    if part is None or not whole:
        return NOTHING
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "<1 %"
    if 99 < percent < 100:
        return ">99 %"
    return f"{percent:.0f} %"


def format_percent(share: float, digits: int = 0) -> str:
    """A share of one: "95 %"."""
    return f"{100 * share:.{digits}f} %"


def format_count(n: int | None) -> str:
    """Return a count with thousands separated, None as "-"."""
    return NOTHING if n is None else f"{n:,}"


def _scaled(value: float, units: tuple[tuple[int, str], ...]) -> str:
    # 999.6 ns reads as 1.00 us: the unit is chosen after rounding.
    scale, name = next((unit for unit in units if value >= 0.9995 * unit[0]), units[-1])
    x = value / scale
    digits = 2 if x < 9.995 else 1 if x < 99.95 else 0
    return f"{x:,.{digits}f} {name}"
