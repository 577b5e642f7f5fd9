"""Files are predicted row by row: every row is kept, in order, whatever its text is."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest

from finesweep.dataset.reading.inference_files import N_ROWS, read_rows, split_pairs, text_column
from finesweep.dataset.reading.pieces import Format
from finesweep.dataset.reading.text_lines import stream_lines
from finesweep.errors import ConfigError
from finesweep.pairs import join_pair
from finesweep.prediction.tables import input_texts, predict_table
from finesweep.prediction.writers import open_writer
from finesweep.records import UNCERTAIN, Prediction

N = 2 * N_ROWS + 5


class ByLength:
    """Predicts `long` for texts of more than three characters; exactly three are uncertain."""

    label_names = ("short", "long")
    multi_label = False

    def predict(
        self, texts: Sequence[str | None], *, uncertain_below: float | None = None
    ) -> Iterator[Prediction]:
        for text in texts:
            if text is None:
                yield Prediction(None, UNCERTAIN, None, {}, sure=False)
                continue
            label = "long" if len(text) > 3 else "short"
            other = "short" if label == "long" else "long"
            shares = {label: 0.75, other: 0.25}
            yield Prediction(text, label, 0.75, shares, len(text) != 3, truncated=len(text) > 8)


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


def lines_of(path: Path, encoding: str = "utf-8") -> list[str]:
    pieces = read_rows(path, field="--file", encoding=encoding)
    return [text for piece in pieces for text in piece.rows["text"]]


def test_any_other_file_has_a_text_in_each_line_and_blank_ones_are_rows(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"one\n\n  \ntwo\r\n\r\nthree")
    assert lines_of(tmp_path / "a.log") == ["one", "", "  ", "two", "", "three"]


@pytest.mark.parametrize(
    "other", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e", "\r"]
)
def test_nothing_but_a_line_feed_ends_a_line(tmp_path: Path, other: str) -> None:
    (tmp_path / "a.txt").write_bytes(f"one{other}still one\ntwo\n".encode())
    assert lines_of(tmp_path / "a.txt") == [f"one{other}still one", "two"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "shift_jis"])
def test_a_byte_of_a_character_is_no_end_of_a_line(tmp_path: Path, encoding: str) -> None:
    # U+0A05 and U+4E0A contain the byte 0x0a; a piece ends inside of one.
    texts = (
        ["\u4e0a" * 40_000, "", "a"] if encoding == "shift_jis" else ["\u0a05a" * 40_000, "", "a"]
    )
    (tmp_path / "a.txt").write_bytes("\r\n".join([*texts, ""]).encode(encoding))
    assert lines_of(tmp_path / "a.txt", encoding) == texts


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding_and_is_no_text(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("é\n\nb\n".encode(encoding))
    assert lines_of(tmp_path / "a.txt") == ["é", "", "b"]


def test_invalid_characters_of_lines_are_replaced_where_that_is_asked(tmp_path: Path) -> None:
    notes: list[str] = []
    (tmp_path / "a.txt").write_bytes("éé\né".encode() + b"\xff b\n")
    with pytest.raises(ConfigError, match=r"encoding_errors=replace reads them as"):
        lines_of(tmp_path / "a.txt")
    pieces = read_rows(
        tmp_path / "a.txt",
        field="--file",
        encoding="utf-8",
        file_format=Format(encoding_errors="replace"),
        on_note=notes.append,
    )
    assert [text for piece in pieces for text in piece.rows["text"]] == ["éé", "é\ufffd b"]
    assert notes == ["a.txt: 1 character invalid in its encoding, read as �"]


def test_compressed_lines_are_read_as_any(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.txt.gz", "wb") as file:
        file.write(b"one\n\ntwo\n")
    assert lines_of(tmp_path / "a.txt.gz") == ["one", "", "two"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", r"^--file: .*a\.txt is empty$"),
        ("ab\n".encode("utf-16-le"), r"a\.txt is not utf-8 .*NUL.*; try --encoding=utf-16-le$"),
        ("ab\n".encode("utf-16-be"), r"a\.txt is not utf-8 .*NUL.*; try --encoding=utf-16-be$"),
    ],
)
def test_a_file_without_lines_of_its_encoding_is_a_mistake(
    tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        lines_of(tmp_path / "a.txt")


def test_a_blank_line_between_pairs_is_a_row_without_a_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\tb\n\n\t\nc\td\n", encoding="utf-8")
    (piece,) = read_rows(tmp_path / "a.txt", field="--file", encoding="utf-8")
    rows = split_pairs(piece.rows, tmp_path / "a.txt", field="--file")
    assert rows.to_numpy().tolist() == [["a", "b"], ["", ""], ["", ""], ["c", "d"]]
    assert input_texts(rows, column="text", pair_column="pair") == [
        join_pair("a", "b"),
        None,
        None,
        join_pair("c", "d"),
    ]


def test_lines_that_have_arrived_do_not_wait_for_those_to_come() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", 0) as pipe:
        tables = stream_lines(stream, Format())
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
    answered = predict_table(ByLength(), rows, column="text")
    assert answered["prediction"].tolist() == ["long", UNCERTAIN, UNCERTAIN, "short", "short"]
    assert answered["uncertain"].tolist() == [False, True, True, True, False]
    assert answered["truncated"].tolist() == [False] * 5
    assert answered["probability/long"].round(2).fillna(-1).tolist() == [0.75, -1, -1, 0.25, 0.25]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_likeliest_label_is_written_with_a_mark_beside_it(tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"o{suffix}"
    rows = pd.DataFrame({"text": ["abc", "a longer one"]})
    with open_writer(output, option="--output") as write:
        write(predict_table(ByLength(), rows, column="text"))
    read = {
        ".csv": lambda: pd.read_csv(output),
        ".jsonl": lambda: pd.read_json(output, lines=True),
        ".parquet": lambda: pd.read_parquet(output),
    }[suffix]()
    assert read["prediction"].tolist() == ["short", "long"]
    assert read["uncertain"].tolist() == [True, False]
    assert read["truncated"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (["prediction"], "column 'prediction': "),
        (["probability/long"], "column 'probability/long': "),
        (["truncated", "uncertain"], "columns 'uncertain', 'truncated': "),
    ],
)
def test_a_column_of_the_users_is_not_written_over(columns: list[str], told: str) -> None:
    rows = pd.DataFrame([["a", *columns]], columns=["text", *columns])
    with pytest.raises(ConfigError, match=rf"^{told}would be overwritten; rename it$"):
        predict_table(ByLength(), rows, column="text")


def test_columns_that_only_look_like_those_that_are_added_stay() -> None:
    names = ["probability", "probability/", "Prediction", "label", "_row", "text"]
    rows = pd.DataFrame([[f"my {name}" for name in names]], columns=names)
    answered = predict_table(ByLength(), rows, column="text")
    assert answered[names].to_numpy().tolist() == rows.to_numpy().tolist()


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
    with open_writer(output, option="--output") as write:
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
    with open_writer(output, option="--output") as write:
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
    with open_writer(tmp_path / "o.csv", option="--output") as write:
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
    with pytest.raises(ConfigError, match=message), open_writer(tmp_path / name, option="--output"):
        pytest.fail("nothing was opened")
