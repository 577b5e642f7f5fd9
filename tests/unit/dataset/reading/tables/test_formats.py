"""JSON, fastText, Excel and Arrow files, compressed or not, give the written rows."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import openpyxl
import pandas as pd
import pytest
from tests.unit.dataset.conftest import LABELS, ROWS, TEXTS, Read, delimited, notes_of, rows_of

from finesweep.errors import ConfigError

RECORDS = [{"text": text, "label": label} for text, label in ROWS]
TABLE = pd.DataFrame(RECORDS)


def orient(name: str) -> str:
    return str(TABLE.to_json(orient=name))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lines.jsonl", "".join(json.dumps(row) + "\n\n" for row in RECORDS)),
        ("lines.ndjson", "".join(json.dumps(row) + "\n" for row in RECORDS)),
        ("array.json", json.dumps(RECORDS)),
        ("array.jsonl", json.dumps(RECORDS)),
        ("pretty.json", json.dumps(RECORDS, indent=2)),
        ("object.json", json.dumps({"version": 1, "data": RECORDS})),
        ("pretty_object.json", json.dumps({"version": 1, "data": RECORDS}, indent=1)),
        ("columns.json", json.dumps({"text": TEXTS, "label": LABELS})),
        ("pretty_columns.json", json.dumps({"text": TEXTS, "label": LABELS}, indent=1)),
        ("pandas.json", orient("columns")),
        ("index.json", orient("index")),
        ("split.json", orient("split")),
        ("table.json", orient("table")),
        ("lists.json", json.dumps([["text", "label"], *ROWS])),
        ("lists_without_header.json", json.dumps(ROWS)),
        ("noextension", json.dumps(RECORDS)),
    ],
)
def test_json_is_read_in_every_shape_that_people_write_it(
    read: Read, name: str, content: str
) -> None:
    assert rows_of(read(name, content)) == ROWS


def test_an_object_with_several_lists_of_rows_is_no_table(read: Read) -> None:
    content = json.dumps({"train": RECORDS, "test": RECORDS})
    with pytest.raises(
        ConfigError, match=r"dataset\.path: .* contains 2 lists of rows, train, test;"
    ):
        read("a.json", content)


@pytest.mark.parametrize("name", ["a.txt", "a.train", "a.ft", "a.csv", "a"])
def test_fasttext_is_recognised_by_its_first_word(read: Read, name: str) -> None:
    splits = read(name, "".join(f"__label__{label} {text}\n" for text, label in ROWS))
    assert rows_of(splits) == ROWS
    assert notes_of(splits) == [
        f"{name}: fastText, as its first line starts with __label__",
        "each list has one label: read as one label per text",
    ]


def test_a_line_of_fasttext_may_have_several_labels_or_none(read: Read) -> None:
    lines = [
        f"__label__{label} {'__label__long ' * (k % 2)}{t}" for k, (t, label) in enumerate(ROWS)
    ]
    splits = read("a.txt", "\n".join(lines))
    assert splits.multi_label
    assert splits.label_names == ("bad", "good", "long", "odd")
    with pytest.raises(
        ConfigError, match=r"label is missing or blank in 1 of train's rows \(row 61"
    ):
        read("b.txt", "\n".join([*lines, "no label at all"]))


def excel(write: Callable[[pd.ExcelWriter], Any]) -> bytes:
    content = io.BytesIO()
    with pd.ExcelWriter(content, engine="openpyxl") as writer:
        write(writer)
    return content.getvalue()


def test_an_excel_sheet_is_read_by_its_name_or_the_first(read: Read) -> None:
    def write(writer: pd.ExcelWriter) -> None:
        TABLE.to_excel(writer, sheet_name="Data", index=False)
        TABLE.assign(label="x").to_excel(writer, sheet_name="Notes", index=False)

    splits = read("a.xlsx", excel(write))
    assert rows_of(splits) == ROWS
    assert notes_of(splits) == [
        "a.xlsx: its first sheet, 'Data', is read; others: Notes; dataset.sheet_name sets it"
    ]
    assert notes_of(read("a.xlsx", sheet_name="Data")) == []
    with pytest.raises(ConfigError, match=r"dataset\.sheet_name: .* 'Dta'; did you mean 'Data'\?"):
        read("a.xlsx", sheet_name="Dta")


def test_a_title_and_blank_rows_of_a_sheet_are_no_rows(read: Read) -> None:
    numbers = TABLE.assign(label=[k % 3 for k in range(60)])
    book = openpyxl.load_workbook(
        io.BytesIO(excel(lambda writer: numbers.to_excel(writer, index=False, startrow=3)))
    )
    sheet = book.worksheets[0]
    sheet["A1"] = "My report"
    sheet["A20"] = sheet["B20"] = None
    content = io.BytesIO()
    book.save(content)
    splits = read("a.xlsx", content.getvalue())
    assert rows_of(splits) == [(t, str(k % 3)) for k, t in enumerate(TEXTS) if k != 15]
    assert notes_of(splits)[:2] == [
        "a.xlsx: its header is row 4; rows above are skipped",
        "a.xlsx: 1 row without values left out",
    ]


def test_a_sheet_without_a_header_loses_no_row(read: Read) -> None:
    content = excel(lambda writer: TABLE.to_excel(writer, index=False, header=False))
    assert rows_of(read("a.xlsx", content)) == ROWS


NAMES = ["good", "bad", "odd"]
IDS = [NAMES.index(label) for label in LABELS]
FEATURES = datasets.Features(
    {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=NAMES)}
)


def test_parquet_arrow_and_feather_are_read_with_the_names_of_their_classes(
    read: Read, tmp_path: Path
) -> None:
    labelled = datasets.Dataset.from_dict({"text": TEXTS, "label": IDS}, features=FEATURES)
    labelled.to_parquet(tmp_path / "a.parquet")
    labelled.save_to_disk(tmp_path / "saved")
    TABLE.to_feather(tmp_path / "a.feather")
    TABLE.set_index("text").to_parquet(tmp_path / "indexed.parquet")
    for name in ("a.parquet", "saved/data-00000-of-00001.arrow", "saved"):
        splits = read(name)
        assert (rows_of(splits), splits.label_names) == (ROWS, ("good", "bad", "odd"))
    for name in ("a.feather", "indexed.parquet"):
        assert rows_of(read(name)) == ROWS


def test_a_saved_dict_of_splits_is_its_splits(read: Read, tmp_path: Path) -> None:
    whole = datasets.Dataset.from_dict({"text": TEXTS, "label": [-1, *IDS[1:]]}, features=FEATURES)
    splits = {"train": whole, "test": whole.select(range(1, 7)), "unsupervised": whole}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    read_back = read("saved", missing="drop")
    assert read_back.frames["test"]["text"].tolist() == TEXTS[1:7]
    notes = notes_of(read_back)
    assert notes[0] == f"not read in {tmp_path / 'saved'}: 'unsupervised'"
    assert notes[1] == "1 row of train with missing label dropped"
    datasets.DatasetDict({"all": whole}).save_to_disk(tmp_path / "other")
    with pytest.raises(ConfigError, match=r"other has 'all', but nothing named train; set dataset"):
        read("other")


def test_a_test_split_that_keeps_its_labels_back_is_no_test_split(
    read: Read, tmp_path: Path
) -> None:
    whole = datasets.Dataset.from_dict({"text": TEXTS, "label": IDS}, features=FEATURES)
    hidden = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [-1, -1]}, features=FEATURES)
    datasets.DatasetDict({"train": whole, "test": hidden}).save_to_disk(tmp_path / "saved")
    splits = read("saved")
    assert set(splits.frames["test"]["text"]) < set(TEXTS)
    assert "test of the source has no labels: not used" in splits.notes


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (pd.Categorical(LABELS), ("bad", "good", "odd")),
        ([bool(k % 2) for k in range(60)], ("False", "True")),
        (pd.array([k % 3 for k in range(60)], dtype="Int64"), ("0", "1", "2")),
        ([float(k % 3) for k in range(60)], ("0", "1", "2")),
    ],
)
def test_labels_of_every_type_of_pandas_are_classes(
    read: Read, tmp_path: Path, labels: Any, names: tuple[str, ...]
) -> None:
    TABLE.assign(label=labels).to_parquet(tmp_path / "a.parquet")
    assert read("a.parquet").label_names == names


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
        archive.writestr("__MACOSX/._a.csv", "x")
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.zip", zipped(a_csv=delimited())),
        ("a.zip", zipped(inner_tsv=delimited(by="\t"))),
        ("a.json.zip", zipped(a_json=json.dumps(RECORDS))),
        ("a.csv.bz2", bz2.compress(delimited(by=";").encode())),
        ("a.csv.xz", lzma.compress(delimited().encode())),
    ],
)
def test_a_compressed_table_is_read_as_its_content(read: Read, name: str, content: bytes) -> None:
    assert rows_of(read(name, content)) == ROWS


def test_an_archive_of_several_files_is_refused(read: Read) -> None:
    with pytest.raises(
        ConfigError, match=r"the archive contains 2 files \(a\.csv, b\.csv\); one is ex"
    ):
        read("a.zip", zipped(a_csv="x", b_csv="y"))


def test_a_parquet_file_with_a_column_twice_is_one_sentence(read: Read, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [pa.array(TEXTS), pa.array(LABELS), pa.array(LABELS)]
    pq.write_table(
        pa.Table.from_arrays(columns, names=["text", "label", "label"]), tmp_path / "a.parquet"
    )
    with pytest.raises(
        ConfigError, match=r"^dataset\.label_column: train has 2 columns 'label'; give"
    ):
        read("a.parquet")
