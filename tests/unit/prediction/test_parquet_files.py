"""A Parquet file holds what was written, whatever types the columns' first rows have."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from finesweep.prediction.writers import open_writer

BIG = 2**60 + 1
"""An integer that a float cannot hold."""


def stored(path: Path, *pieces: list[Any]) -> list[Any]:
    """The cells of a column that was written in these pieces, typed as JSON's are."""
    with open_writer(path / "out.parquet", option="--output") as write:
        for cells in pieces:
            write(pd.DataFrame({"cell": cells}, dtype=object))
    return list(pq.read_table(path / "out.parquet")["cell"].to_pylist())


@pytest.mark.parametrize(
    ("pieces", "cells"),
    [
        (([1], [0.25]), [1.0, 0.25]),
        (([0.25], [1]), [0.25, 1.0]),
        (([None], ["x"], [None]), [None, "x", None]),
        (([None], [["x"]]), [None, ["x"]]),
        (([[]], [["x"]]), [[], ["x"]]),
        (([{"a": 1}], [{"a": 1, "b": "x"}]), [{"a": 1, "b": None}, {"a": 1, "b": "x"}]),
        (([1], ["x1"]), ["1", "x1"]),
        (([1, "x1"], [None, 0.5]), ["1", "x1", None, "0.5"]),
        (([True], [1]), ["true", "1"]),
        (([BIG], [0.25]), [str(BIG), "0.25"]),
        (([BIG, 0.25], [1]), [str(BIG), "0.25", "1"]),
        (([2**63 + 5], [1]), [str(2**63 + 5), "1"]),
        (([["é"]], ["x"]), ['["é"]', "x"]),
        (([[1], ["x", None]], [[2]]), ["[1]", '["x",null]', "[2]"]),
        (([{}], [None]), ["{}", None]),
        (([None], [None]), [None, None]),
        (([datetime(2024, 1, 2)], ["x"]), ["2024-01-02T00:00:00", "x"]),
    ],
)
def test_a_column_gets_the_type_that_suits_all_pieces_and_else_is_text(
    tmp_path: Path, pieces: tuple[list[Any], ...], cells: list[Any]
) -> None:
    found = stored(tmp_path, *pieces)
    assert found == cells
    assert list(map(type, found)) == list(map(type, cells))
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_a_column_that_a_piece_lacks_keeps_its_type(tmp_path: Path) -> None:
    with open_writer(tmp_path / "out.parquet", option="--output") as write:
        write(pd.DataFrame({"id": [1], "tags": [["x"]]}))
        write(pd.DataFrame({"id": [2]}))
    assert pq.read_table(tmp_path / "out.parquet")["tags"].to_pylist() == [["x"], None]


def test_an_integer_column_with_missing_cells_is_read_back_as_one(tmp_path: Path) -> None:
    table = pd.DataFrame({"holds": pd.array([1, None], dtype="Int64"), "text": ["a", None]})
    with open_writer(tmp_path / "out.parquet", option="--output") as write:
        write(table)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), table)
