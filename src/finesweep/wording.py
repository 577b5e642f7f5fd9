"""Counts, numbers and row numbers formatted for people, in messages, tables and pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SHOWN_VALUES = 10


def counted(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def counted_rows(count: int) -> str:
    """`1 row`, `1,234 rows`."""
    return counted(count, "row")


def rounded(value: float | None) -> str:
    """Without decimals from 100 on, else with at most one; a dash for None."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")


def as_percentage(share: float | None) -> str:
    """In percent, with one decimal; a dash for None."""
    return "–" if share is None else f"{share:.1%}"


def listed(values: Sequence[object]) -> str:
    """The first ten values, and the number of the others."""
    more = f" and {len(values) - SHOWN_VALUES:,} more" if len(values) > SHOWN_VALUES else ""
    return ", ".join(repr(value) for value in values[:SHOWN_VALUES]) + more


def listed_rows(rows: Iterable[tuple[str, int]], *, n_shown: int = 5) -> str:
    """`test rows 3, 8 and train row 5, …`: the first few, within a sentence."""
    rows = list(rows)
    parts = [
        f"{split} row{'s'[: len(numbers) > 1]} {', '.join(numbers)}"
        for split, numbers in _by_split(rows[:n_shown]).items()
    ]
    return " and ".join(parts) + (", …" if len(rows) > n_shown else "")


def row_numbers(rows: Iterable[tuple[str, int]], *, n_shown: int) -> str:
    """`train 3, 17; test 4 and 12 more`: the first few, for a table cell."""
    rows = list(rows)
    parts = [
        f"{split} {', '.join(numbers)}" for split, numbers in _by_split(rows[:n_shown]).items()
    ]
    n_more = len(rows) - n_shown
    return "; ".join(parts) + (f" and {n_more:,} more" if n_more > 0 else "")


def _by_split(rows: Iterable[tuple[str, int]]) -> dict[str, list[str]]:
    numbers: dict[str, list[str]] = {}
    for split, row in rows:
        numbers.setdefault(split, []).append(str(row))
    return numbers


def duration(seconds: float) -> str:
    """In seconds up to a minute and a half, in minutes up to an hour and a half, else in hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def gigabytes(n_bytes: float) -> str:
    """In 10^9 bytes with one decimal, in 10^6 below a tenth of one."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:.0f} MB"


def scored(value: float) -> str:
    """A score or a latency with four decimals, a number of bytes in whole ones."""
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"
