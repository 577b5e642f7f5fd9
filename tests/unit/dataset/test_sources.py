"""Raw splits from files and from the Hub, before any cleaning."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import datasets
import huggingface_hub
import pandas as pd
import pytest
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from finesweep.config.schema import DatasetConfig, SplitFiles
from finesweep.dataset.reading.files import read_file
from finesweep.dataset.reading.pieces import Format
from finesweep.dataset.sources import read_source
from finesweep.errors import ConfigError


def read(path: Path) -> pd.DataFrame:
    return read_file(
        str(path), field="dataset.path", file_format=Format(), on_note=lambda note: None
    ).rows


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_text_na_is_a_text_and_an_empty_cell_is_missing(tmp_path: Path) -> None:
    table = read(written(tmp_path / "a.csv", "text,label\nNA,null\n,nan\n"))
    assert table["text"].isna().tolist() == [False, True]
    assert table["text"][0] == "NA"
    assert table["label"].tolist() == ["null", "nan"]


def test_a_quoted_text_keeps_its_newlines_and_commas(tmp_path: Path) -> None:
    table = read(written(tmp_path / "a.csv", 'text,label\n"one\ntwo, three",a\nx,b\n'))
    assert table["text"].tolist() == ["one\ntwo, three", "x"]


@pytest.mark.parametrize("name", ["a.tsv", "a.jsonl", "a.json", "a.parquet", "A.PARQUET"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    rows = [{"text": "né", "label": "a"}, {"text": "x, y", "label": "b"}]
    path = tmp_path / name
    if name.endswith("tsv"):
        pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
    elif path.suffix.lower() == ".parquet":
        pd.DataFrame(rows, index=[7, 9]).to_parquet(path)
    else:
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert read(path)[["text", "label"]].to_dict("records") == rows


def test_half_a_surrogate_pair_within_a_json_cell_is_replaced(tmp_path: Path) -> None:
    cell = '{"cut \\ud83d": ["\\ud83d", 1]}'
    table = read(written(tmp_path / "a.jsonl", f'{{"text": "a", "cell": {cell}}}\n'))
    assert table["cell"].tolist() == [{"cut \ufffd": ["\ufffd", 1]}]


def test_half_a_surrogate_pair_in_json_is_replaced(tmp_path: Path) -> None:
    table = read(written(tmp_path / "a.jsonl", '{"text": "cut \\ud83d", "label": 1}\n'))
    assert table["text"].tolist() == ["cut \ufffd"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, name: str) -> None:
    content = "text,label\nx,1\n" if name == "a.csv" else '{"text": "x", "label": 1}\n'
    table = read(written(tmp_path / name, b"\xef\xbb\xbf" + content.encode()))
    assert list(table.columns) == ["text", "label"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv is empty"),
        ("a.csv", b"text,label\n", r"a\.csv has no rows"),
        ("a.csv", b"\x89PNG\r\n\x1a\n", r"a\.csv is not \.csv but a PNG picture"),
        ("a.csv", b"PK\x03\x04rest", r"but a ZIP archive or an Excel sheet"),
        ("a.tsv", b"<!DOCTYPE html>", r"but a web page"),
        (
            "a.csv",
            b"text,label\nok,1\nd\xe9j\xe0,2\n",
            r"not utf-8 at byte 17 \(line 3, 0xe9\); try "
            r"dataset\.encoding=latin-1",
        ),
        ("a.jsonl", b'{"text": "\xe9"}\n', r"not utf-8 at byte 10 \(line 1, 0xe9\)"),
        (
            "a.csv",
            b"text,label\na,b,c\n",
            r"dataset\.on_bad_lines: a\.csv has 1 row with more fields than the first "
            r"\(row 1, line 2\)",
        ),
        ("a.csv", b"text,label\na,b\na,b,c,d\n", r"1 row with more .* \(row 2, line 3\); texts"),
        ("a.parquet", b"text,label\nx,1\n", r"is not a parquet file; it starts with b'text,label"),
        ("a.parquet", b"PAR1broken", r"cannot be read as \.parquet"),
        ("a.csv", b"PAR1broken", r"not \.csv but a parquet file"),
        ("a.jsonl", b'{"text": 1}\n{oops\n', r"line 2 is not JSON"),
        ("a.json", b'[{"text": 1},\n]\n', r"not JSON at line 2, column 1 .*an array of"),
        ("a.json", b"[1, 2]", r"its array contains int; expected objects"),
        ("a.txt", b"x", r"dataset\.separator: a\.txt has no separator common to all lines"),
        ("a.log", b"x", r"'\.log' is not one of \.csv, \.tsv, "),
        ("a.xls", b"\xd0\xcf\x11\xe0", r"; it is an Excel sheet from before 2007"),
        ("a.pkl", b"\x80\x04\x95", r"; it is a pickle, which could run any code"),
        ("a.xlsx", b"text,label\n", r"is not an Excel sheet; it starts with b'text,label"),
    ],
)
def test_a_file_with_the_wrong_extension_reports_its_format(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read(written(tmp_path / name, content))


def test_a_missing_file_offers_the_nearest_of_its_folder(tmp_path: Path) -> None:
    written(tmp_path / "reviews.csv", "x")
    with pytest.raises(ConfigError, match=r"does not exist; did you mean 'reviews\.csv'\?"):
        read(tmp_path / "review.csv")
    with pytest.raises(ConfigError, match=r"its folder .*absent does not exist either"):
        read(tmp_path / "absent" / "review.csv")
    with pytest.raises(ConfigError, match=r"is a folder; name one file"):
        read(tmp_path)


def test_problems_of_all_files_are_listed_together(tmp_path: Path) -> None:
    files = SplitFiles(train=str(tmp_path / "a.csv"), test=str(tmp_path / "b.xlsx"))
    with pytest.raises(ConfigError, match=r"2 problems:") as caught:
        read_source(DatasetConfig(name="x", files=files))
    fields = [problem.path for problem in caught.value.problems]
    assert fields == ["dataset.files.train", "dataset.files.test"]


def test_an_absent_column_offers_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "Text,labels\nx,1\n")
    with pytest.raises(ConfigError, match=r"no column 'label'; did you mean 'labels'\?") as caught:
        read_source(DatasetConfig(name="x", path=str(path)))
    assert "dataset.text_column: train has no column 'text'; did you mean 'Text'?" in str(
        caught.value
    )


def test_a_separator_that_cannot_be_guessed_must_be_configured(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "review;stars\nx;1;2\n")
    with pytest.raises(ConfigError, match=r"only one column; dataset\.separator sets"):
        read_source(DatasetConfig(name="x", path=str(path)))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            '{"text": ["x"], "label": 1}',
            r"dataset\.text_column: 'text' of train contains list, not a single",
        ),
        (
            '{"text": "x", "label": [[1]]}',
            r"dataset\.label_column: .* contains list of list, not a single",
        ),
        (
            '{"text": "x", "label": {"a": 1}}',
            r"dataset\.label_column: .* contains dict, not a single value",
        ),
    ],
)
def test_a_column_of_nested_values_is_refused(tmp_path: Path, row: str, message: str) -> None:
    path = written(tmp_path / "a.jsonl", f"{row}\n{row}\n")
    with pytest.raises(ConfigError, match=message):
        read_source(DatasetConfig(name="x", path=str(path)))


def test_rows_are_numbered_from_the_first_after_the_header(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "body,stars\nx,1\ny,2\n")
    config = DatasetConfig(name="x", path=str(path), text_column="body", label_column="stars")
    frame = read_source(config).frames["train"]
    assert frame.to_dict() == {"text": {1: "x", 2: "y"}, "label": {1: "1", 2: "2"}}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> datasets.DatasetDict:
    """A Hub with one dataset, whose labels are a ClassLabel, one of them unlabelled."""
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    rows = {"text": ["a", "b", "c"], "label": [1, 0, -1]}
    split = datasets.Dataset.from_dict(rows, features=features)
    content = datasets.DatasetDict(train=split, unsupervised=split, test=split)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_, **__: None)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: content)
    return content


def test_a_hub_class_label_keeps_its_names_and_minus_one_is_missing(
    hub: datasets.DatasetDict,
) -> None:
    raw = read_source(DatasetConfig(name="x", hub="owner/name"))
    assert raw.class_names == ("neg", "pos")
    assert list(raw.frames) == ["train", "test"]
    assert raw.frames["train"]["label"].tolist()[:2] == [1, 0]
    assert raw.frames["train"]["label"].isna().tolist() == [False, False, True]


def test_a_hub_dataset_without_train_names_its_splits(hub: datasets.DatasetDict) -> None:
    del hub["train"]
    with pytest.raises(ConfigError, match=r"no split named train, only unsupervised, test"):
        read_source(DatasetConfig(name="x", hub="owner/name"))


def test_a_hub_failure_is_one_problem(
    hub: datasets.DatasetDict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("Config name is missing")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(ConfigError, match=r"dataset.hub: owner/name cannot be loaded: Config name"):
        read_source(DatasetConfig(name="x", hub="owner/name"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            RepositoryNotFoundError,
            r"dataset\.hub: the Hub has no dataset owner/name, or it is priv",
        ),
        (RevisionNotFoundError, r"dataset\.revision: owner/name has no branch, tag or commit 'v9'"),
    ],
)
def test_a_dataset_missing_on_the_hub_is_refused(
    monkeypatch: pytest.MonkeyPatch, error: type[HfHubHTTPError], message: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error("404", response=SimpleNamespace(headers={}, request=None))  # type: ignore[arg-type]

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", refuse)
    with pytest.raises(ConfigError, match=message):
        read_source(DatasetConfig(name="x", hub="owner/name", revision="v9"))


def test_an_earlier_download_is_read_without_a_network(
    hub: datasets.DatasetDict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unplugged(*_: object, **__: object) -> None:
        raise TimeoutError

    def cached(*_: object, **__: object) -> datasets.DatasetDict:
        assert datasets.config.HF_HUB_OFFLINE is True
        return hub

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", unplugged)
    monkeypatch.setattr(datasets, "load_dataset", cached)
    frames = read_source(DatasetConfig(name="x", hub="owner/name")).frames
    assert frames["test"]["text"].tolist() == ["a", "b", "c"]
    assert datasets.config.HF_HUB_OFFLINE is False


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_the_hub_fails_at_once(
    monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")

    def wait(_: float) -> None:
        raise AssertionError("a retry waits")

    monkeypatch.setattr("time.sleep", wait)
    why = "HF_HUB_OFFLINE is set" if offline else "refused"
    with pytest.raises(
        ConfigError,
        match=rf"hub: no/such is not cached, and .* cannot be reached \(.*{why}.*dataset=local",
    ):
        read_source(DatasetConfig(name="x", hub="no/such"))
    assert datasets.config.HF_HUB_OFFLINE is False


def test_several_columns_are_one_text_and_missing_parts_are_left_out(tmp_path: Path) -> None:
    content = "title,body,label\nOne,two,a\n,three,b\nfour,,a\n,,b\n"
    path = written(tmp_path / "a.csv", content)
    config = DatasetConfig(name="x", path=str(path), text_columns=["title", "body"])
    raw = read_source(config)
    texts = raw.frames["train"]["text"].tolist()
    assert texts == ["One\ntwo", "three", "four", None]
    assert raw.notes == ("a text joins title, then body, one per line, without missing ones",)
    config = DatasetConfig(name="x", path=str(path), text_columns=["title", "bdy"])
    with pytest.raises(ConfigError, match=r"^dataset\.text_columns: .* 'bdy'; did you mean 'body'"):
        read_source(config)
