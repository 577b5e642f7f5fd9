"""What a way of quoting makes of a delimited file: its records, counted, and the quotes that do not
hold one field each. A quote that nobody closed takes in every row up to the next."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

N_SHOWN = 5
LIMIT = min(sys.maxsize, 2**31 - 1)
"""Characters of a field: csv's own limit would end the reading of a long text."""
WAYS: dict[str, dict[str, Any]] = {
    "minimal": {"quoting": csv.QUOTE_MINIMAL},
    "backslash": {"quoting": csv.QUOTE_MINIMAL, "escapechar": "\\", "doublequote": False},
    "none": {"quoting": csv.QUOTE_NONE},
}
"""dataset.quoting → what pandas and csv call it."""


@dataclass
class RecordPosition:
    """A record, from 1 with the header among them, and the line that it starts in."""

    record: int
    line: int
    n_lines: int = 1
    example: str = ""


@dataclass
class Records:
    """What was counted in one pass over a file."""

    n: int = 0
    """Records, the header among them."""
    n_blank: int = 0
    """Blank lines that stand between records."""
    widest: int = 0
    """Fields of the longest."""
    n_long: int = 0
    long: list[RecordPosition] = field(default_factory=list)
    """Records with more fields than the first, unless these are blank; the first few."""
    n_short: int = 0
    short: list[RecordPosition] = field(default_factory=list)
    n_ragged: int = 0
    """Records with another number of fields, blank or not."""
    taken_in: list[RecordPosition] = field(default_factory=list)
    """Records whose quotes hold whole rows, or are never closed."""
    loose: list[RecordPosition] = field(default_factory=list)
    """Records in which something follows a closing quote."""
    n_closed: int = 0
    """Fields between quotes of their own, where quotes are read as characters."""


def read_records(
    lines: Iterable[str],
    *,
    separator: str,
    quoting: str,
    label_place: int | None,
    first_line: int = 1,
) -> Records:
    """What the lines hold when they are cut so; label_place is the field of the labels, by which a
    line within quotes is known for a row of its own; first_line is the number of the first."""
    csv.field_size_limit(LIMIT)
    found, width, labels = Records(), 0, set()
    suspects: list[tuple[RecordPosition, list[tuple[str, str]]]] = []
    blank = " \t\r\n".replace(separator, "")
    pending = 0
    for row, held, line in _physical(lines, separator, quoting, first_line):
        if len(held) == 1 and not held[0].strip(blank):
            pending += 1
            continue
        found.n_blank, pending = found.n_blank + pending, 0
        found.n += 1
        width = width or len(row)
        found.widest = max(found.widest, len(row))
        place = RecordPosition(found.n, line, len(held))
        _count_fields(found, row, width, place)
        if quoting == "none":
            found.n_closed += sum(len(c) > 1 and c[0] == c[-1] == '"' for c in row) if row else 0
            continue
        if len(held) == 1 and label_place is not None and len(row) > label_place:
            labels.add(row[label_place])
        if '"' not in held[0] and len(held) == 1:
            continue
        if told := _broken(held, separator, quoting):
            unclosed = "unexpected end" in told
            place.example = "" if len(held) == 1 else _shown(held[1])
            (found.taken_in if unclosed or len(held) > 1 else found.loose).append(place)
        elif len(held) > 1 and label_place is not None:
            rows = list(_whole_rows(held, separator, width, label_place))
            suspects += [(place, rows)] if rows else []
    for place, rows in suspects:
        if known := [line for line, label in rows if label in labels]:
            place.example = _shown(known[0])
            found.taken_in.append(place)
    found.taken_in.sort(key=lambda place: place.record)
    return found


def _physical(
    lines: Iterable[str], separator: str, quoting: str, first_line: int
) -> Iterator[tuple[list[str], list[str], int]]:
    """Each record with the lines that it is made of, and the number of the first of these."""
    held: list[str] = []

    def kept() -> Iterator[str]:
        for line in lines:
            held.append(line)
            yield line

    number = first_line
    for row in csv.reader(kept(), delimiter=separator, **WAYS[quoting]):
        yield row, list(held), number
        number += len(held)
        held.clear()


def _count_fields(found: Records, row: list[str], width: int, place: RecordPosition) -> None:
    if len(row) == width:
        return
    found.n_ragged += 1
    if len(row) < width:
        found.n_short += 1
        places = found.short
    elif any(cell.strip() for cell in row[width:]):
        found.n_long += 1
        places = found.long
    else:
        return
    if len(places) < N_SHOWN:
        places.append(place)


def _broken(held: list[str], separator: str, quoting: str) -> str | None:
    """What csv says of a record whose quotes do not hold one field each; None where they do."""
    if quoting == "backslash":
        # csv takes anything behind a closing quote here, even when it is strict.
        whole = _escaped_record(separator).fullmatch("".join(held).rstrip("\r\n"))
        return None if whole else "unexpected end"
    try:
        list(csv.reader(held, delimiter=separator, strict=True, **WAYS[quoting]))
    except csv.Error as error:
        return str(error)
    return None


@cache
def _escaped_record(separator: str) -> re.Pattern[str]:
    """A record in which what stands within quotes has a backslash before each quote of its own."""
    between = re.escape(separator)
    one = rf'(?:"(?:[^"\\]|\\.)*"|[^"{between}][^{between}]*|)'
    return re.compile(rf"{one}(?:{between}{one})*", re.DOTALL)


def _whole_rows(
    held: list[str], separator: str, width: int, label_place: int
) -> Iterator[tuple[str, str]]:
    """The lines of a quoted field that would be rows of their own without the quote, and their
    labels. What stands before the quote in the first line, and behind it in the last, is of the
    record itself and says nothing."""
    for number, line in enumerate(held):
        cells = line.rstrip("\r\n").split(separator)
        if len(cells) != width:
            continue
        if number == 0 and label_place <= _opening(cells):
            continue
        if number == len(held) - 1 and label_place >= _closing(cells):
            continue
        yield line, cells[label_place]


def _opening(cells: list[str]) -> int:
    """The place of the last field that begins with a quote and does not end with one."""
    opened = [k for k, cell in enumerate(cells) if cell[:1] == '"' and cell[1:][-1:] != '"']
    return max(opened, default=len(cells))


def _closing(cells: list[str]) -> int:
    closed = [k for k, cell in enumerate(cells) if cell[-1:] == '"']
    return min(closed, default=0)


def _shown(line: str) -> str:
    return line.strip()[:60]
