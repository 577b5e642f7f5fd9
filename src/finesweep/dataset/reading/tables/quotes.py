"""Records of a delimited file under one way of quoting: their counts, and quotes that do not
enclose exactly one field. An unclosed quote spans every row up to the next quote."""

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
"""Maximum characters of a field: csv's default would fail on a long text."""
WAYS: dict[str, dict[str, Any]] = {
    "minimal": {"quoting": csv.QUOTE_MINIMAL},
    "backslash": {"quoting": csv.QUOTE_MINIMAL, "escapechar": "\\", "doublequote": False},
    "none": {"quoting": csv.QUOTE_NONE},
}
"""dataset.quoting → options of pandas and csv."""


@dataclass
class RecordPosition:
    """Position of a record, counted from 1 with the header, and the line that it starts on."""

    record: int
    line: int
    n_lines: int = 1
    example: str = ""


@dataclass
class Records:
    """Counts of one pass over a file."""

    n: int = 0
    """Number of records, with the header."""
    n_blank: int = 0
    """Number of blank lines between records."""
    widest: int = 0
    """Number of fields of the longest record."""
    n_long: int = 0
    long: list[RecordPosition] = field(default_factory=list)
    """The first few records with more non-blank fields than the first."""
    n_short: int = 0
    short: list[RecordPosition] = field(default_factory=list)
    n_ragged: int = 0
    """Number of records whose field count differs from the first's, blank fields included."""
    spanning: list[RecordPosition] = field(default_factory=list)
    """Records whose quotes span whole rows, or are never closed."""
    loose: list[RecordPosition] = field(default_factory=list)
    """Records with text after a closing quote."""
    n_closed: int = 0
    """Number of quoted fields, when quotes are read as characters."""


def read_records(
    lines: Iterable[str],
    *,
    separator: str,
    quoting: str,
    label_index: int | None,
    first_line: int = 1,
) -> Records:
    """The records of the lines; label_index is the field of labels, by which a line within quotes
    is recognised as a row of its own; first_line is the number of the first line."""
    csv.field_size_limit(LIMIT)
    records, width, labels = Records(), 0, set()
    suspects: list[tuple[RecordPosition, list[tuple[str, str]]]] = []
    blank = " \t\r\n".replace(separator, "")
    pending = 0
    for row, record_lines, line in _with_lines(lines, separator, quoting, first_line):
        if len(record_lines) == 1 and not record_lines[0].strip(blank):
            pending += 1
            continue
        records.n_blank, pending = records.n_blank + pending, 0
        records.n += 1
        width = width or len(row)
        records.widest = max(records.widest, len(row))
        position = RecordPosition(records.n, line, len(record_lines))
        _count_fields(records, row, width, position)
        if quoting == "none":
            records.n_closed += sum(len(c) > 1 and c[0] == c[-1] == '"' for c in row) if row else 0
            continue
        if len(record_lines) == 1 and label_index is not None and len(row) > label_index:
            labels.add(row[label_index])
        if '"' not in record_lines[0] and len(record_lines) == 1:
            continue
        if error := _broken(record_lines, separator, quoting):
            unclosed = "unexpected end" in error
            position.example = "" if len(record_lines) == 1 else _excerpt(record_lines[1])
            (records.spanning if unclosed or len(record_lines) > 1 else records.loose).append(
                position
            )
        elif len(record_lines) > 1 and label_index is not None:
            rows = list(_whole_rows(record_lines, separator, width, label_index))
            suspects += [(position, rows)] if rows else []
    for position, rows in suspects:
        if matching := [line for line, label in rows if label in labels]:
            position.example = _excerpt(matching[0])
            records.spanning.append(position)
    records.spanning.sort(key=lambda position: position.record)
    return records


def _with_lines(
    lines: Iterable[str], separator: str, quoting: str, first_line: int
) -> Iterator[tuple[list[str], list[str], int]]:
    """Each record with its lines, and the number of the first of them."""
    record_lines: list[str] = []

    def recorded() -> Iterator[str]:
        for line in lines:
            record_lines.append(line)
            yield line

    number = first_line
    for row in csv.reader(recorded(), delimiter=separator, **WAYS[quoting]):
        yield row, list(record_lines), number
        number += len(record_lines)
        record_lines.clear()


def _count_fields(records: Records, row: list[str], width: int, position: RecordPosition) -> None:
    if len(row) == width:
        return
    records.n_ragged += 1
    if len(row) < width:
        records.n_short += 1
        places = records.short
    elif any(cell.strip() for cell in row[width:]):
        records.n_long += 1
        places = records.long
    else:
        return
    if len(places) < N_SHOWN:
        places.append(position)


def _broken(record_lines: list[str], separator: str, quoting: str) -> str | None:
    """csv's error for a record whose quotes do not enclose one field each; None if they do."""
    if quoting == "backslash":
        # csv accepts text after a closing quote here, even in strict mode.
        whole = _escaped_record(separator).fullmatch("".join(record_lines).rstrip("\r\n"))
        return None if whole else "unexpected end"
    try:
        list(csv.reader(record_lines, delimiter=separator, strict=True, **WAYS[quoting]))
    except csv.Error as error:
        return str(error)
    return None


@cache
def _escaped_record(separator: str) -> re.Pattern[str]:
    """A record whose quoted fields escape each inner quote with a backslash."""
    between = re.escape(separator)
    one = rf'(?:"(?:[^"\\]|\\.)*"|[^"{between}][^{between}]*|)'
    return re.compile(rf"{one}(?:{between}{one})*", re.DOTALL)


def _whole_rows(
    record_lines: list[str], separator: str, width: int, label_index: int
) -> Iterator[tuple[str, str]]:
    """The lines of a quoted field that would be whole rows without the quote, and their labels.
    Fields before the quote in the first line, and after it in the last, belong to the record
    itself."""
    for number, line in enumerate(record_lines):
        cells = line.rstrip("\r\n").split(separator)
        if len(cells) != width:
            continue
        if number == 0 and label_index <= _opening(cells):
            continue
        if number == len(record_lines) - 1 and label_index >= _closing(cells):
            continue
        yield line, cells[label_index]


def _opening(cells: list[str]) -> int:
    """Index of the last field that starts with a quote and does not end with one."""
    indexes = [k for k, cell in enumerate(cells) if cell[:1] == '"' and cell[1:][-1:] != '"']
    return max(indexes, default=len(cells))


def _closing(cells: list[str]) -> int:
    indexes = [k for k, cell in enumerate(cells) if cell[-1:] == '"']
    return min(indexes, default=0)


def _excerpt(line: str) -> str:
    return line.strip()[:60]
