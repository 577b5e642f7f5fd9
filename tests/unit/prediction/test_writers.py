"""Text files of predictions are read back as what was written."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

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
