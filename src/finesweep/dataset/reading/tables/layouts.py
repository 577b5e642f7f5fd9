"""Layout of a delimited file: separator, quotes and header, as configured or, if the content leaves
no doubt, as guessed."""

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
"""Separators to guess, with their names in messages."""
N_SAMPLE = 200
SKIP_HINT = "skip leaves such rows out"


@dataclass(frozen=True)
class Layout:
    """Options with which pandas reads a delimited file."""

    encoding: str
    separator: str
    quoting: str
    columns: tuple[str, ...]
    has_header: bool
    n_above: int
    """Lines above the header, which are skipped."""
    records: Records


def layout_of(file: TableFile, usual: str | None) -> Layout:
    """The file's layout; usual is its extension's separator, None if it has none.

    Guesses are noted. ConfigError if quotes span whole rows, rows have more fields than the header,
    or the separator is unclear; UnicodeDecodeError on a wrong encoding.
    """
    encoding = detect_encoding(file)
    note_replaced_characters(file, encoding)
    n_above = _n_above(file, encoding)
    sample = _sample(file, encoding, n_above)
    separator = _separator(file, sample, usual)
    rows = _rows(sample, separator, file.format.quoting or "minimal")
    columns, is_data = column_names(file, rows[0], rows[1:])
    if len(columns) == 1 and not (file.format.columns or set(columns) & set(file.format.texts)):
        message = f"its first line, {columns[0][:40]!r}, is read as the name of its only column"
        file.guess(message, "columns")
    label_index = next((columns.index(n) for n in file.format.labels if n in columns), None)

    def count_records(quoting: str) -> Records:
        with open_text(file, encoding, newline="") as (lines, _):
            return read_records(
                islice(lines, n_above, None),
                separator=separator,
                quoting=quoting,
                label_index=label_index,
                first_line=n_above + 1,
            )

    quoting, records = _quoting(file, count_records, is_data=is_data)
    _note_counts(file, records, is_data=is_data)
    return Layout(encoding, separator, quoting, tuple(columns), not is_data, n_above, records)


def sampled_columns(file: TableFile) -> list[str]:
    """The cells of the first line, by the guessed separator; one cell without a guess.
    UnicodeDecodeError on a wrong encoding."""
    encoding = detect_encoding(replace(file, on_note=lambda note: None))
    sample = _sample(file, encoding, 0)
    rows_by_separator = {each: _rows(sample, each, "minimal") for each in SEPARATORS}
    separator = (
        _found_separator(rows_by_separator, None, set(file.format.texts)) if sample else None
    )
    return rows_by_separator[separator][0] if separator else sample[:1]


def _n_above(file: TableFile, encoding: str) -> int:
    if file.format.columns:
        return 0
    expected = set(file.format.texts + file.format.labels)
    configured = file.format.separator
    with open_text(file, encoding, newline="") as (lines, _):
        n_above = n_lines_above(lines, expected, [configured] if configured else [*SEPARATORS])
    if n_above:
        file.note(f"its header is line {n_above + 1}; lines above are skipped")
    return n_above


def _sample(file: TableFile, encoding: str, n_above: int) -> list[str]:
    """The first non-blank lines after n_above."""
    with open_text(file, encoding, newline="") as (lines, _):
        below = islice(lines, n_above, None)
        return list(islice((line for line in below if line.strip()), N_SAMPLE))


def _separator(file: TableFile, sample: Sequence[str], usual: str | None) -> str:
    """The configured separator, or the usual one, unless only another makes a table of the
    sample."""
    if configured := file.format.separator:
        return configured
    quoting = file.format.quoting or "minimal"
    rows_by_separator = {each: _rows(sample, each, quoting) for each in SEPARATORS}
    separator = _found_separator(
        rows_by_separator, usual, set(file.format.texts + file.format.labels)
    )
    if separator is None:
        message = (
            f"{file.path.name} has no separator common to all lines, so each line is a text "
            "without a label; dataset.separator sets one"
        )
        raise ConfigError(Problem("dataset.separator", message))
    if separator != usual:
        file.guess(f"separated by {SEPARATORS[separator]}", "separator")
    return separator


def _found_separator(
    rows_by_separator: Mapping[str, Sequence[Sequence[str]]], usual: str | None, expected: set[str]
) -> str | None:
    headed = [each for each, rows in rows_by_separator.items() if expected <= set(rows[0])]
    even = [
        each
        for each, rows in rows_by_separator.items()
        if len(rows[0]) > 1 and len({len(row) for row in rows}) == 1
    ]
    if usual in headed or (not headed and usual in even):
        return usual
    if len(headed) == 1:
        return headed[0]
    if usual is None:
        # Prose may have one comma in each line, but hardly a tab.
        return "\t" if "\t" in even else None
    return even[0] if len(even) == 1 else usual


def _rows(sample: Sequence[str], separator: str, quoting: str) -> list[list[str]]:
    """The sample's records, without the last if it may continue beyond the sample."""
    csv.field_size_limit(LIMIT)
    way = WAYS[quoting]
    rows = [row for row in csv.reader(sample, delimiter=separator, **way) if row]
    return rows[:-1] if len(sample) == N_SAMPLE and len(rows) > 1 else rows


def _quoting(
    file: TableFile, count_records: Callable[[str], Records], *, is_data: bool
) -> tuple[str, Records]:
    """The quoting, and the records counted with it."""
    first = 0 if is_data else 1
    if configured := file.format.quoting:
        records = count_records(configured)
        for position in records.spanning[:1]:
            file.note(f"{_where(position, first)} {_spans(position)}")
        return configured, records
    records = count_records("minimal")
    if not (records.spanning or records.loose):
        return "minimal", records
    position = (records.spanning or records.loose)[0]
    for way in ("backslash", "none"):
        other = count_records(way)
        if other.n > 1 and not (other.spanning or other.loose or other.n_ragged or other.n_closed):
            reason = {
                "backslash": "quotes within a text are escaped by a backslash",
                "none": "quotes are read as characters, since no field is quoted",
            }[way]
            file.guess(f"{reason} ({_where(position, first)} has one)", "quoting")
            return way, other
    if records.spanning:
        message = f"{file.path.name}: {_where(position, first)} {_spans(position)}"
        options = "none reads quotes as characters, minimal keeps the row as it is"
        raise ConfigError(Problem("dataset.quoting", f"{message}; fix it, or set: {options}"))
    n = counted_rows(len(records.loose))
    file.note(f"{n} with text after a closing quote ({_where(position, first)}); quotes dropped")
    return "minimal", records


def _where(position: RecordPosition, first: int) -> str:
    return f"row {position.record - first:,}, line {position.line:,}"


def _spans(position: RecordPosition) -> str:
    example = f", such as {position.example!r}" if position.example else ""
    if position.n_lines == 1:
        return "opens a quote that is never closed"
    return f"opens a quote that spans {position.n_lines:,} lines, among them whole rows{example}"


def _note_counts(file: TableFile, records: Records, *, is_data: bool) -> None:
    """Notes blank lines, short rows and long rows; ConfigError if long rows are an error."""
    first = 0 if is_data else 1
    if records.n_blank:
        blank = "1 blank line" if records.n_blank == 1 else f"{records.n_blank:,} blank lines"
        file.note(f"{blank} left out")
    if records.n_short:
        where = _where(records.short[0], first)
        file.note(f"{counted_rows(records.n_short)} with fewer fields than the first ({where})")
    if not records.n_long:
        return
    where = "; ".join(_where(position, first) for position in records.long)
    message = f"{counted_rows(records.n_long)} with more fields than the first"
    if file.format.on_bad_lines == "skip" and records.n_long < records.n - first:
        file.note(f"{message} left out ({where})")
        return
    skips = "skip would leave no row" if file.format.on_bad_lines == "skip" else SKIP_HINT
    quotes = "texts that contain the separator need quotes"
    raise ConfigError(
        Problem(
            "dataset.on_bad_lines", f"{file.path.name} has {message} ({where}); {quotes}; {skips}"
        )
    )
