"""How a delimited file is laid out: its separator, quotes and header, as the config says or, where
that leaves no doubt, as they are found by looking."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from finesweep.dataset.reading.encodings import detect_encoding, note_replaced_characters, open_text
from finesweep.dataset.reading.pieces import TableFile
from finesweep.dataset.reading.tables.headers import column_names
from finesweep.dataset.reading.tables.preambles import n_lines_above
from finesweep.dataset.reading.tables.quotes import (
    LIMIT,
    WAYS,
    RecordPosition,
    Records,
    read_records,
)
from finesweep.errors import ConfigError, Problem
from finesweep.wording import counted_rows

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "'|'"}
"""Those that are looked for, and what people call them."""
N_SAMPLE = 200
WAY_OUT = "skip leaves such rows out"


@dataclass(frozen=True)
class Layout:
    """What pandas must be told to read a delimited file."""

    encoding: str
    separator: str
    quoting: str
    columns: tuple[str, ...]
    has_header: bool
    n_above: int
    """Lines above the header, which are not read."""
    records: Records


def layout_of(file: TableFile, usual: str | None) -> Layout:
    """How the file is laid out; usual is its extension's separator, None where it has none.

    What was found by looking is noted. ConfigError where quotes take in whole rows, rows have more
    fields than the header, or no separator can be told; UnicodeDecodeError on another encoding.
    """
    encoding = detect_encoding(file)
    note_replaced_characters(file, encoding)
    n_above = _n_above(file, encoding)
    sample = _sample(file, encoding, n_above)
    separator = _separator(file, sample, usual)
    rows = _rows(sample, separator, file.format.quoting or "minimal")
    columns, is_data = column_names(file, rows[0], rows[1:])
    if len(columns) == 1 and not (file.format.columns or set(columns) & set(file.format.texts)):
        told = f"its first line, {columns[0][:40]!r}, is read as the name of its only column"
        file.guess(told, "columns")
    label_place = next((columns.index(n) for n in file.format.labels if n in columns), None)

    def counted(quoting: str) -> Records:
        with open_text(file, encoding, newline="") as (lines, _):
            return read_records(
                islice(lines, n_above, None),
                separator=separator,
                quoting=quoting,
                label_place=label_place,
                first_line=n_above + 1,
            )

    quoting, records = _quoting(file, counted, is_data=is_data)
    _say_counts(file, records, is_data=is_data)
    return Layout(encoding, separator, quoting, tuple(columns), not is_data, n_above, records)


def sampled_columns(file: TableFile) -> list[str]:
    """The cells of the first line, by the separator that is found; one where none is.
    UnicodeDecodeError on another encoding."""
    encoding = detect_encoding(replace(file, say=lambda note: None))
    sample = _sample(file, encoding, 0)
    cut = {each: _rows(sample, each, "minimal") for each in SEPARATORS}
    found = _found_separator(cut, None, set(file.format.texts)) if sample else None
    return cut[found][0] if found else sample[:1]


def _n_above(file: TableFile, encoding: str) -> int:
    if file.format.columns:
        return 0
    wanted = set(file.format.texts + file.format.labels)
    given = file.format.separator
    with open_text(file, encoding, newline="") as (lines, _):
        n_above = n_lines_above(lines, wanted, [given] if given else [*SEPARATORS])
    if n_above:
        file.note(f"its header is line {n_above + 1}; what stands above is no row")
    return n_above


def _sample(file: TableFile, encoding: str, n_above: int) -> list[str]:
    """The first lines that are not blank, after n_above."""
    with open_text(file, encoding, newline="") as (lines, _):
        below = islice(lines, n_above, None)
        return list(islice((line for line in below if line.strip()), N_SAMPLE))


def _separator(file: TableFile, sample: Sequence[str], usual: str | None) -> str:
    """The one that is given, or the usual one, unless another alone makes a table of the sample."""
    if given := file.format.separator:
        return given
    quoting = file.format.quoting or "minimal"
    cut = {each: _rows(sample, each, quoting) for each in SEPARATORS}
    found = _found_separator(cut, usual, set(file.format.texts + file.format.labels))
    if found is None:
        told = f"{file.path.name} has no separator that all of its lines agree on, so that each"
        said = f"{told} line is one text and has no label; dataset.separator names one"
        raise ConfigError(Problem("dataset.separator", said))
    if found != usual:
        file.guess(f"separated by {SEPARATORS[found]}", "separator")
    return found


def _found_separator(
    cut: Mapping[str, Sequence[Sequence[str]]], usual: str | None, wanted: set[str]
) -> str | None:
    headed = [each for each, rows in cut.items() if wanted <= set(rows[0])]
    even = [
        each
        for each, rows in cut.items()
        if len(rows[0]) > 1 and len({len(row) for row in rows}) == 1
    ]
    if usual in headed or (not headed and usual in even):
        return usual
    if len(headed) == 1:
        return headed[0]
    if usual is None:
        # Prose may well have one comma in each of its lines, but hardly a tab.
        return "\t" if "\t" in even else None
    return even[0] if len(even) == 1 else usual


def _rows(sample: Sequence[str], separator: str, quoting: str) -> list[list[str]]:
    """The sample's records; the last is left out where it may go on beyond the sample."""
    csv.field_size_limit(LIMIT)
    way = WAYS[quoting]
    rows = [row for row in csv.reader(sample, delimiter=separator, **way) if row]
    return rows[:-1] if len(sample) == N_SAMPLE and len(rows) > 1 else rows


def _quoting(
    file: TableFile, counted: Callable[[str], Records], *, is_data: bool
) -> tuple[str, Records]:
    """The way of quoting, and what was counted by it."""
    first = 0 if is_data else 1
    if given := file.format.quoting:
        records = counted(given)
        for place in records.taken_in[:1]:
            file.note(f"{_where(place, first)} {_takes_in(place)}")
        return given, records
    records = counted("minimal")
    if not (records.taken_in or records.loose):
        return "minimal", records
    place = (records.taken_in or records.loose)[0]
    for way in ("backslash", "none"):
        other = counted(way)
        if other.n > 1 and not (other.taken_in or other.loose or other.n_ragged or other.n_closed):
            told = {
                "backslash": "a quote within a text has a backslash before it",
                "none": "quotes are read as characters, since no field stands between two",
            }[way]
            file.guess(f"{told} ({_where(place, first)} has one)", "quoting")
            return way, other
    if records.taken_in:
        told = f"{file.path.name}: {_where(place, first)} {_takes_in(place)}"
        ways = "none reads quotes as characters, minimal lets the row stand as it is"
        raise ConfigError(Problem("dataset.quoting", f"{told}; mend it, or set this: {ways}"))
    n = counted_rows(len(records.loose))
    file.note(f"{n} with something behind a closing quote ({_where(place, first)}); quotes dropped")
    return "minimal", records


def _where(place: RecordPosition, first: int) -> str:
    return f"row {place.record - first:,}, line {place.line:,}"


def _takes_in(place: RecordPosition) -> str:
    example = f", such as {place.example!r}" if place.example else ""
    if place.n_lines == 1:
        return "opens a quote that is never closed"
    return f"opens a quote that takes in {place.n_lines:,} lines, whole rows among them{example}"


def _say_counts(file: TableFile, records: Records, *, is_data: bool) -> None:
    """What is short, long or blank; ConfigError where long rows are to be an error."""
    first = 0 if is_data else 1
    if records.n_blank:
        blank = "1 blank line" if records.n_blank == 1 else f"{records.n_blank:,} blank lines"
        file.note(f"{blank} left out")
    if records.n_short:
        where = _where(records.short[0], first)
        file.note(f"{counted_rows(records.n_short)} with fewer fields than the first ({where})")
    if not records.n_long:
        return
    where = "; ".join(_where(place, first) for place in records.long)
    told = f"{counted_rows(records.n_long)} with more fields than the first"
    if file.format.on_bad_lines == "skip" and records.n_long < records.n - first:
        file.note(f"{told} left out ({where})")
        return
    skips = "skip would leave no row" if file.format.on_bad_lines == "skip" else WAY_OUT
    quotes = "a text that holds the separator needs quotes"
    message = f"{file.path.name} has {told} ({where}); {quotes}; {skips}"
    raise ConfigError(Problem("dataset.on_bad_lines", message))
