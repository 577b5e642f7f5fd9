"""Text files of predictions are read back as what was written."""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from finesweep.prediction.writers import open_writer

ENDS = ["a\rb", "\r", "a\r\nb", "a\nb", 'a\r"b",', "plain"]


def test_csv_keeps_every_line_break_in_a_text(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    with open_writer(output, option="--output") as write:
        write(pd.DataFrame({"text": ["first"], "n": [0.5]}))
        write(pd.DataFrame({"text": ENDS, "n": [None, *range(1, len(ENDS))]}))
    read = pd.read_csv(output)
    assert read["text"].tolist() == ["first", *ENDS]
    assert read["n"].fillna(-1).tolist() == [0.5, -1, *range(1, len(ENDS))]
    with output.open(encoding="utf-8", newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["text", "first", *ENDS]


def test_csv_without_carriage_returns_is_quoted_no_more_than_needed(tmp_path: Path) -> None:
    with open_writer(tmp_path / "out.csv", option="--output") as write:
        write(pd.DataFrame({"text": ["a", "b,"], "n": [1, 2]}))
    assert (tmp_path / "out.csv").read_bytes() == b'text,n\na,1\n"b,",2\n'


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ([1.5e-12, 5e-324, 0.1 + 0.2], [1.5e-12, 5e-324, 0.1 + 0.2]),
        ([0.5, float("nan"), float("inf")], [0.5, None, None]),
        (pd.array([1, None], dtype="Int64"), [1, None]),
        ([True, False], [True, False]),
        (["é/\r\u2028", None], ["é/\r\u2028", None]),
        (pd.to_datetime(["2024-01-02T03:04:05.6", None]), ["2024-01-02T03:04:05.600000", None]),
        (pd.to_datetime(["2024-01-02"]).tz_localize("UTC"), ["2024-01-02T00:00:00+00:00"]),
        ([date(2024, 1, 2), pd.NaT], ["2024-01-02", None]),
        ([2**70, "x", 1, True, float("nan")], [2**70, "x", 1, True, None]),
        ([Decimal("0.12345678901234567890"), pd.NA], ["0.12345678901234567890", None]),
        ([{"a": [1, float("nan")]}, b"x"], [{"a": [1, None]}, "x"]),
        ([np.array([1.5, np.nan]), (np.int64(1),)], [[1.5, None], [1]]),
        (
            [np.array(["2024-01-02", "NaT"], dtype="datetime64[ns]")],
            [["2024-01-02T00:00:00", None]],
        ),
    ],
)
def test_json_lines_keep_all_digits_and_write_dates_as_iso(
    tmp_path: Path, column: Any, values: list[Any]
) -> None:
    with open_writer(tmp_path / "out.jsonl", option="--output") as write:
        write(pd.DataFrame({"cell": column}))
    lines = (tmp_path / "out.jsonl").read_bytes().decode().removesuffix("\n").split("\n")
    assert [json.loads(line) for line in lines] == [{"cell": value} for value in values]
    assert "NaN" not in "".join(lines)
