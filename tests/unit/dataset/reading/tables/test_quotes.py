"""An unclosed quote never spans other rows unnoticed."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dataset.conftest import ROWS, Read, delimited, notes_of, rows_of

from finesweep.dataset.reading.tables.quotes import read_records
from finesweep.errors import ConfigError

QUOTE = '"'
AS_CHARACTERS = "quotes are read as characters, since no field is quoted"


def quoted(*places: int, end: tuple[int, ...] = ()) -> list[tuple[str, str]]:
    """The rows, with a quote before some texts and after others."""
    return [
        (QUOTE * (k in places) + text + QUOTE * (k in end), label)
        for k, (text, label) in enumerate(ROWS)
    ]


@pytest.mark.parametrize("by", [",", "\t"])
@pytest.mark.parametrize(
    ("places", "end"),
    [((10, 30), ()), ((10,), ()), ((59,), ()), ((10,), (20,)), ((10,), (11,)), ((0,), (58,))],
)
def test_stray_quotes_are_characters_if_no_field_is_quoted(
    read: Read, by: str, places: tuple[int, ...], end: tuple[int, ...]
) -> None:
    rows = quoted(*places, end=end)
    splits = read("a.csv" if by == "," else "a.tsv", delimited(rows, by=by))
    assert rows_of(splits) == rows
    (note,) = notes_of(splits)
    where = f"row {places[0] + 1}, line {places[0] + 2}"
    assert f"{AS_CHARACTERS} ({where} has one); dataset.quoting sets it" in note


def test_a_label_before_its_text_marks_a_row_too(read: Read) -> None:
    rows = quoted(10, end=(20,))
    splits = read("a.csv", delimited([row[::-1] for row in rows], head="label,text"))
    assert rows_of(splits) == rows


MIXED = [
    (f'"{text}, yes"' if k % 2 else f"{chr(34) * (k == 10)}{text}", label)
    for k, (text, label) in enumerate(ROWS)
]


def test_a_quote_that_spans_rows_is_refused_if_others_are_closed(read: Read) -> None:
    message = (
        r"^dataset\.quoting: a\.csv: row 11, line 12 opens a quote that spans 2 lines, among "
        r'them whole rows, such as \'"red 11 .*; fix it, or set: none reads'
    )
    with pytest.raises(ConfigError, match=message):
        read("a.csv", delimited(MIXED))
    splits = read("a.csv", delimited(MIXED), quoting="none", on_bad_lines="skip")
    assert notes_of(splits) == [
        "a.csv: 30 rows with more fields than the first left out (row 2, line 3; row 4, line 5; "
        "row 6, line 7; row 8, line 9; row 10, line 11)"
    ]


def test_configured_quoting_notes_what_a_quote_spans(read: Read) -> None:
    splits = read("a.csv", delimited(quoted(10, 30)), quoting="minimal")
    assert len(rows_of(splits)) == 40
    (note,) = notes_of(splits)
    assert note.startswith(
        "a.csv: row 11, line 12 opens a quote that spans 21 lines, among them whole"
    )


def test_a_quote_that_is_never_closed_is_noted(read: Read) -> None:
    rows = [
        (f'"{text}, yes"' if k < 59 else f'"{text}', label) for k, (text, label) in enumerate(ROWS)
    ]
    with pytest.raises(ConfigError, match=r"row 60, line 61 opens a quote that is never closed"):
        read("a.csv", delimited(rows))


@pytest.mark.parametrize(
    "text",
    [
        "one\ntwo, three\n\nfour",
        'he said "good"\nand left, then',
        "Well, \nand so, it was\nI said, good ",
        "good",
        ",",
        '"',
    ],
)
@pytest.mark.parametrize("first", ["text", "label"])
def test_quoted_texts_of_several_lines_are_texts(read: Read, text: str, first: str) -> None:
    rows = [(f"{text} {k}", label) for k, (_, label) in enumerate(ROWS)]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["text", "label"] if first == "text" else ["label", "text"])
    writer.writerows(rows if first == "text" else [row[::-1] for row in rows])
    splits = read("a.csv", stream.getvalue())
    assert (rows_of(splits), notes_of(splits)) == (rows, [])


def test_backslashes_before_quotes_are_found(read: Read) -> None:
    rows = [(f'{text} "yes", no', label) for text, label in ROWS]
    written = [('"' + text.replace('"', '\\"') + '"', label) for text, label in rows]
    splits = read("a.csv", delimited(written))
    assert rows_of(splits) == rows
    assert notes_of(splits) == [
        "a.csv: quotes within a text are escaped by a backslash (row 1, line 2 has one); "
        "dataset.quoting sets it"
    ]


def test_text_after_a_closing_quote_is_kept_and_noted(read: Read) -> None:
    written = [
        (f'"{t}, x"' if k % 2 else f'"{t}" film', label) for k, (t, label) in enumerate(ROWS)
    ]
    rows = [(f"{t}, x" if k % 2 else f"{t} film", label) for k, (t, label) in enumerate(ROWS)]
    splits = read("a.csv", delimited(written))
    assert rows_of(splits) == rows
    assert notes_of(splits) == [
        "a.csv: 30 rows with text after a closing quote (row 1, line 2); quotes dropped"
    ]
    tabs = [(f'"{t}" film' if k == 3 else t, label) for k, (t, label) in enumerate(ROWS)]
    assert rows_of(read("a.tsv", delimited(tabs, by="\t"))) == tabs


CELLS = st.text(st.characters(exclude_characters="\r", exclude_categories=("Cs",)), max_size=12)


@given(st.lists(st.tuples(CELLS, st.sampled_from("ab")), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_what_a_csv_writer_wrote_is_counted_and_never_suspected_of_a_broken_quote(
    rows: list[tuple[str, str]],
) -> None:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([("text", "label"), *rows])
    lines = io.StringIO(stream.getvalue(), newline="")
    found = read_records(lines, separator=",", quoting="minimal", label_index=None)
    assert (found.n, found.spanning, found.loose) == (len(rows) + 1, [], [])
