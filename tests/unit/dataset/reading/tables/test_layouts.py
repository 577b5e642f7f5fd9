"""A delimited file is read by its layout; guesses are noted."""

from __future__ import annotations

import pytest
from tests.unit.dataset.conftest import LABELS, ROWS, TEXTS, Read, delimited, notes_of, rows_of

from finesweep.errors import ConfigError

SETS = "dataset.separator sets it"
HEADLESS = "no header, as its first row has a label of other rows; read as columns"


@pytest.mark.parametrize(
    ("name", "by", "note"),
    [
        ("a.csv", ",", []),
        ("A.CSV", ",", []),
        ("a.csv", ";", [f"a.csv: separated by a semicolon; {SETS}"]),
        ("a.csv", "|", [f"a.csv: separated by '|'; {SETS}"]),
        ("a.csv", "\t", [f"a.csv: separated by a tab; {SETS}"]),
        ("a.tsv", "\t", []),
        ("a.tab", "\t", []),
        ("a.tsv", ",", [f"a.tsv: separated by a comma; {SETS}"]),
        ("a.txt", "\t", [f"a.txt: separated by a tab; {SETS}"]),
        ("a.txt", ";", [f"a.txt: separated by a semicolon; {SETS}"]),
        ("a", ",", [f"a: separated by a comma; {SETS}"]),
    ],
)
def test_a_separator_is_found_where_one_alone_makes_a_table(
    read: Read, name: str, by: str, note: list[str]
) -> None:
    splits = read(name, delimited(by=by))
    assert rows_of(splits) == ROWS
    assert notes_of(splits) == note


def test_commas_in_texts_do_not_hide_a_semicolon(read: Read) -> None:
    rows = [(f"{text}, really, yes", label) for text, label in ROWS]
    assert rows_of(read("a.csv", delimited(rows, by=";"))) == rows


@pytest.mark.parametrize(
    ("given", "by"), [(":", ":"), ("\\t", "\t"), ("tab", "\t"), ("semicolon", ";")]
)
def test_a_separator_that_is_given_is_taken(read: Read, given: str, by: str) -> None:
    splits = read("a.dat", delimited(by=by), separator=given)
    assert (rows_of(splits), notes_of(splits)) == (ROWS, [])


def test_a_separator_is_one_character(read: Read) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.separator: '\|\|' is not one character"):
        read("a.csv", delimited(by="||"), separator="||")


@pytest.mark.parametrize(
    ("name", "rows", "order"),
    [
        ("a.csv", ROWS, "text, label"),
        ("a.tsv", ROWS, "text, label"),
        ("b.csv", list(zip(LABELS, TEXTS, strict=True)), "label, text"),
        ("b.txt", list(zip(LABELS, TEXTS, strict=True)), "label, text"),
    ],
)
def test_without_a_header_the_first_row_is_not_lost(
    read: Read, name: str, rows: list[tuple[str, str]], order: str
) -> None:
    by = "," if name.endswith("csv") else "\t"
    splits = read(name, delimited(rows, by=by, head=None))
    assert rows_of(splits) == ROWS
    assert notes_of(splits)[-1] == f"{name}: {HEADLESS} {order}; dataset.columns sets it"


def test_columns_names_those_of_a_file_without_a_header(read: Read) -> None:
    rows = [(str(number), ",".join(row)) for number, row in enumerate(ROWS)]
    content = delimited(rows, head=None)
    with pytest.raises(ConfigError, match=r"first row looks like data; .*dataset\.columns=\[c1, c"):
        read("a.csv", content)
    assert rows_of(read("a.csv", content, columns=["id", "text", "label"])) == ROWS
    with pytest.raises(ConfigError, match=r"dataset\.columns: 2 names for 3 columns of a\.csv"):
        read("a.csv", content, columns=["text", "label"])


def test_columns_equal_to_the_first_row_are_its_header(read: Read) -> None:
    splits = read("a.csv", delimited(), columns=["text", "label"])
    assert rows_of(splits) == ROWS
    assert notes_of(splits) == [
        "a.csv: its first row equals dataset.columns, and is read as a header"
    ]


@pytest.mark.parametrize("head", ["review,stars", "Text,Label", "text, label"])
def test_a_header_with_other_names_is_a_header(read: Read, head: str) -> None:
    with pytest.raises(ConfigError, match=r"train has no column 'label'") as caught:
        read("a.csv", delimited(head=head))
    assert "looks like data" not in str(caught.value)


def test_a_duplicate_of_a_configured_column_is_refused(read: Read) -> None:
    rows = [(text, f"{label},{label}") for text, label in ROWS]
    with pytest.raises(
        ConfigError, match=r"^dataset\.label_column: train has 2 columns 'label'; g"
    ):
        read("a.csv", delimited(rows, head="text,label,label"))
    assert rows_of(read("b.csv", delimited(rows, head="text,id,label"))) == ROWS
    other = [(text, f"{label},1,2") for text, label in ROWS]
    assert rows_of(read("c.csv", delimited(other, head="text,label,id,id"))) == ROWS


LONG = [("red, blue" if number == 5 else text, label) for number, (text, label) in enumerate(ROWS)]


@pytest.mark.parametrize("place", [0, 5, 59])
def test_a_row_with_too_many_fields_is_refused_or_skipped(read: Read, place: int) -> None:
    rows = [("red, blue" if k == place else text, label) for k, (text, label) in enumerate(ROWS)]
    where = f"row {place + 1}, line {place + 2}"
    with pytest.raises(
        ConfigError, match=rf"^dataset\.on_bad_lines: a\.csv has 1 row with more .* \({where}\)"
    ):
        read("a.csv", delimited(rows))
    splits = read("a.csv", delimited(rows), on_bad_lines="skip")
    assert rows_of(splits) == [row for k, row in enumerate(ROWS) if k != place]
    assert notes_of(splits) == [f"a.csv: 1 row with more fields than the first left out ({where})"]


def test_a_separator_at_the_end_of_each_line_is_no_field(read: Read) -> None:
    splits = read("a.csv", delimited([(text, f"{label},") for text, label in ROWS]))
    assert (rows_of(splits), notes_of(splits)) == (ROWS, [])


def test_what_is_left_out_or_short_is_counted(read: Read) -> None:
    content = delimited().replace("\n", "\n\n", 3) + "only a text\n"
    splits = read("a.csv", content, missing="drop")
    assert rows_of(splits) == ROWS
    assert notes_of(splits) == [
        "a.csv: 3 blank lines left out",
        "a.csv: 1 row with fewer fields than the first (row 61, line 65)",
        "1 row of train with missing label dropped",
    ]


def test_a_repeated_header_is_no_row_and_keeps_the_row_numbers(read: Read) -> None:
    splits = read("a.csv", delimited(ROWS[:30]) + delimited(ROWS[30:]))
    assert rows_of(splits) == ROWS
    assert notes_of(splits) == ["1 row of train that repeats the header left out"]
    numbers = sorted(number for frame in splits.frames.values() for number in frame.index)
    assert numbers == [*range(1, 31), *range(32, 62)]


HEAD, BODY = delimited([]), delimited(head=None)
INDEXED = "".join(f"{k},{line}" for k, line in enumerate(BODY.splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", f"{HEAD[:-1]},\n{BODY}{HEAD[:-1]},\n"),
        ("a.csv", f",{HEAD}{INDEXED},{HEAD}"),
        ("a.csv", f"{HEAD}{BODY}\ufeff{HEAD}"),
        ("a.csv", f"{HEAD[:-1]},x,x\n{BODY}{HEAD[:-1]},x,x\n"),
    ],
    ids=["a separator at its end", "a column without a name", "byte order mark", "a name twice"],
)
def test_a_repeated_header_is_recognised_whatever_pandas_names_its_columns(
    read: Read, name: str, content: str
) -> None:
    splits = read(name, content, missing="drop")
    assert "1 row of train that repeats the header left out" in notes_of(splits)
    assert "label" not in splits.label_names


TITLES = [
    ("sep=,\n", ","),
    ('"sep=;"\n', ";"),
    ("# made on 2026-01-01, by hand\n#\n", ","),
    ("All reviews\n\n", ","),
    ('"Reviews, all of them"\n\n', ","),
]


@pytest.mark.parametrize(("above", "by"), TITLES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_lines_above_the_header_are_no_rows(read: Read, above: str, by: str, line_end: str) -> None:
    splits = read("a.csv", (above + delimited(by=by)).replace("\n", line_end))
    assert rows_of(splits) == ROWS
    line = above.count("\n") + 1
    assert notes_of(splits)[0] == f"a.csv: its header is line {line}; lines above are skipped"
    long = (above + delimited([*ROWS, ("red", f"good{by}odd")], by=by)).replace("\n", line_end)
    where = f"row 61, line {line + 61}"
    assert f"left out ({where})" in notes_of(read("a.csv", long, on_bad_lines="skip"))[-1]


def test_the_separator_line_of_excel_needs_no_configured_names(read: Read) -> None:
    content = "sep=;\n" + delimited(by=";", head="review,stars")
    splits = read("a.csv", content, text_column="review", label_column="stars")
    assert rows_of(splits) == ROWS
    with pytest.raises(ConfigError, match="has no column 'text'; known: review, stars"):
        read("a.csv", content)


def test_rows_above_a_header_are_rows_if_they_have_its_width(read: Read) -> None:
    splits = read("a.csv", BODY + HEAD + BODY.replace("red", "read"), missing="drop")
    assert len(rows_of(splits)) >= 2 * len(ROWS)


def test_skipping_every_row_is_refused(read: Read) -> None:
    content = delimited([(f"really, {text}", label) for text, label in ROWS])
    with pytest.raises(ConfigError, match=r"has 60 rows with more .*; skip would leave no row$"):
        read("a.csv", content, on_bad_lines="skip")


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_of_every_system_end_a_row(read: Read, line_end: str) -> None:
    assert rows_of(read("a.csv", delimited().replace("\n", line_end))) == ROWS
