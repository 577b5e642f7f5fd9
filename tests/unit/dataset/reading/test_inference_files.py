"""Files to predict on are read by the same rules as training files, in every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.unit.dataset.conftest import LABELS, ROWS, TEXTS, delimited

from finesweep.dataset.reading.inference_files import (
    joined_name,
    read_rows,
    text_column,
    with_joined_text,
)
from finesweep.dataset.reading.pieces import Format
from finesweep.errors import ConfigError


def read_texts(
    path: Path, content: str | None = None, **fields: Any
) -> tuple[pd.DataFrame, str, list[str]]:
    """The rows, their text column, and the notes."""
    if content is not None:
        path.write_text(content, encoding="utf-8")
    notes: list[str] = []
    file_format = Format(**fields)
    pieces = list(
        read_rows(
            path, field="--file", encoding="utf-8", file_format=file_format, on_note=notes.append
        )
    )
    rows = pd.concat([piece.rows for piece in pieces], ignore_index=True)
    return rows, text_column(rows, None, option="--text-column"), notes


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", delimited(by=";")),
        ("a.txt", delimited(by="\t")),
        ("a", delimited()),
        ("a.json", json.dumps([{"text": text} for text in TEXTS])),
        ("strings.json", json.dumps(TEXTS)),
        ("a.ft", "".join(f"__label__{label} {text}\n" for text, label in ROWS)),
        ("a.train", "".join(f"__label__{label} {text}\n" for text, label in ROWS)),
        ("prose.txt", "\n".join(TEXTS)),
        ("tabs.txt", "\n".join(f"{text}\tand more" for text in TEXTS)),
        ("a.log", "\n".join(TEXTS)),
    ],
)
def test_every_kind_of_file_has_its_texts(tmp_path: Path, name: str, content: str) -> None:
    rows, column, _ = read_texts(tmp_path / name, content)
    ends = "\tand more" if name == "tabs.txt" else ""
    assert rows[column].tolist() == [f"{text}{ends}" for text in TEXTS]


def test_an_excel_sheet_is_read_for_prediction(tmp_path: Path) -> None:
    pd.DataFrame(ROWS, columns=["text", "label"]).to_excel(tmp_path / "a.xlsx", index=False)
    rows, column, _ = read_texts(tmp_path / "a.xlsx")
    assert (rows[column].tolist(), rows["label"].tolist()) == (TEXTS, LABELS)


def test_a_first_line_read_as_the_name_of_the_only_column_is_noted(tmp_path: Path) -> None:
    rows, column, notes = read_texts(tmp_path / "a.csv", "\n".join(TEXTS))
    assert (column, rows[column].tolist()) == (TEXTS[0], TEXTS[1:])
    assert notes == [
        f"a.csv: its first line, {TEXTS[0]!r}, is read as the name of its only column; "
        "dataset.columns sets it"
    ]
    rows, column, notes = read_texts(tmp_path / "a.csv", columns=("text",))
    assert (rows[column].tolist(), notes) == (TEXTS, [])


def test_a_stray_quote_spans_no_rows_in_prediction(tmp_path: Path) -> None:
    rows = [('"' * (k in (10, 30)) + text, label) for k, (text, label) in enumerate(ROWS)]
    found, column, notes = read_texts(tmp_path / "a.csv", delimited(rows))
    assert found[column].tolist() == [text for text, _ in rows]
    assert "quotes are read as characters" in notes[0]


def test_columns_are_joined_as_they_were_for_training() -> None:
    rows = pd.DataFrame({"title": ["One", None, " "], "body": ["two", "three", ""]})
    columns = ["title", "body"]
    joined = with_joined_text(rows, columns)[str(joined_name(columns))]
    assert joined.tolist() == ["One\ntwo", "three", None]
    assert with_joined_text(rows, []) is rows
    with pytest.raises(
        ConfigError, match=r"^dataset\.text_columns: no column 'titel'; did you mean"
    ):
        with_joined_text(rows, ["titel", "body"])
