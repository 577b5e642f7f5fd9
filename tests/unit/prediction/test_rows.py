"""Files are answered row by row: every row is there, in order, whatever its text is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest

from finesweep.dataset.lines import arriving_lines
from finesweep.dataset.unlabelled import N_ROWS, read_rows, text_column
from finesweep.errors import ConfigError
from finesweep.prediction.rows import answer_rows
from finesweep.prediction.sinks import written
from finesweep.records import Prediction

N = 2 * N_ROWS + 5


class ByLength:
    """Answers `long` to texts of more than three characters, and is not sure of exactly three."""

    label_names = ("short", "long")
    multi_label = False

    def predict(
        self, texts: Sequence[str], *, uncertain_below: float | None = None
    ) -> Iterator[Prediction]:
        for text in texts:
            label = "long" if len(text) > 3 else "short"
            other = "short" if label == "long" else "long"
            shares = {label: 0.75, other: 0.25}
            yield Prediction(text, label, 0.75, shares, len(text) != 3)


def table_of(n_rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [f"n{k}" for k in range(n_rows)], "text": ["x" * (k % 5 + 1) for k in range(n_rows)]}
    )


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_format_is_read_in_pieces_and_loses_no_row(tmp_path: Path, suffix: str) -> None:
    path, table = tmp_path / f"in{suffix}", table_of(N)
    {
        ".csv": lambda: table.to_csv(path, index=False),
        ".tsv": lambda: table.to_csv(path, index=False, sep="\t"),
        ".jsonl": lambda: table.to_json(path, orient="records", lines=True),
        ".parquet": lambda: table.to_parquet(path),
    }[suffix]()
    pieces = list(read_rows(path, field="--file", encoding="utf-8"))
    assert [len(piece.rows) for piece in pieces] == [N_ROWS, N_ROWS, 5]
    shares = [piece.share for piece in pieces]
    assert shares == sorted(shares)
    assert (shares[0] > 0, shares[-1]) == (True, 1.0)
    read = pd.concat([piece.rows for piece in pieces], ignore_index=True)
    pd.testing.assert_frame_equal(read, table, check_dtype=False)


def test_any_other_file_has_a_text_in_each_line(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\n\n  \ntwo\r\nthree", encoding="utf-8")
    (piece, last) = read_rows(tmp_path / "a.log", field="--file", encoding="utf-8")
    assert [*piece.rows["text"], *last.rows["text"]] == ["one", "two", "three"]


def test_lines_that_have_arrived_do_not_wait_for_those_to_come() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", 0) as pipe:
        tables = arriving_lines(stream, encoding="utf-8")
        pipe.write(b"one\ntwo\nthr")
        assert next(tables)["text"].tolist() == ["one", "two"]
        pipe.write("ee\nfür\n".encode()[:5])
        assert next(tables)["text"].tolist() == ["three"]
        pipe.write("für\n".encode()[2:])
        pipe.close()
        assert next(tables)["text"].tolist() == ["für"]
        assert list(tables) == []


def test_rows_without_a_text_are_uncertain_and_stay_where_they_are() -> None:
    rows = pd.DataFrame({"text": ["long one", None, " ", "abc", "x"]}, index=[4, 3, 2, 1, 0])
    answered = answer_rows(ByLength(), rows, column="text")  # type: ignore[arg-type]
    assert answered["prediction"].tolist() == [
        "long",
        "UNCERTAIN",
        "UNCERTAIN",
        "UNCERTAIN",
        "short",
    ]
    assert answered["probability/long"].round(2).fillna(-1).tolist() == [0.75, -1, -1, 0.25, 0.25]


def test_a_column_of_the_users_is_not_written_over() -> None:
    rows = pd.DataFrame({"text": ["a"], "prediction": ["mine"]})
    with pytest.raises(ConfigError, match=r"^column 'prediction': would be written over; rename"):
        answer_rows(ByLength(), rows, column="text")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("columns", "wanted", "found"),
    [
        (["id", "text"], None, "text"),
        (["tweet"], None, "tweet"),
        (["text", "tweet"], "tweet", "tweet"),
    ],
)
def test_the_texts_stand_in_the_wanted_column(
    columns: list[str], wanted: str | None, found: str
) -> None:
    assert text_column(pd.DataFrame(columns=columns), wanted, option="--text-column") == found


def test_a_column_that_is_not_there_is_told_with_the_nearest() -> None:
    rows = pd.DataFrame(columns=["id", "texts"])
    with pytest.raises(
        ConfigError, match=r"^--text-column: no column 'text'; did you mean 'texts'"
    ):
        text_column(rows, None, option="--text-column")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_what_is_written_piece_by_piece_is_one_file(tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"out{suffix}"
    first = pd.DataFrame({"text": ['a,\n"b"', "é"], "n": [1.5, None]})
    with written(output, option="--output") as write:
        write(first)
        assert not output.exists()
        write(pd.DataFrame({"text": ["c"]}))
    read = {
        ".csv": lambda: pd.read_csv(output),
        ".jsonl": lambda: pd.DataFrame(map(json.loads, output.read_text().splitlines())),
        ".parquet": lambda: pd.read_parquet(output),
    }[suffix]()
    assert read["text"].tolist() == ['a,\n"b"', "é", "c"]
    assert read["n"].fillna(-1).tolist() == [1.5, -1, -1]
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


def _interrupted(output: Path) -> None:
    with written(output, option="--output") as write:
        write(pd.DataFrame({"text": ["a"]}))
        raise KeyboardInterrupt


def test_an_interrupted_file_leaves_what_stood_there(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(output)
    assert output.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_column_that_begins_late_is_refused_instead_of_lost(tmp_path: Path) -> None:
    message = r"^--output: the file's first rows have no column 'late', later ones have$"
    with written(tmp_path / "o.csv", option="--output") as write:
        write(pd.DataFrame({"text": ["a"]}))
        with pytest.raises(ConfigError, match=message):
            write(pd.DataFrame({"text": ["b"], "late": [1]}))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.xlsx", r"^--output: .*out\.xlsx: extension is not one of \.csv, \.jsonl, \.parquet$"),
        ("no/out.csv", r"^--output: .*no/out\.csv: No such file or directory$"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_at_once(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message), written(tmp_path / name, option="--output"):
        pytest.fail("nothing was opened")
