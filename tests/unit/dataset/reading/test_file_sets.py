"""Paths: a file, a pattern, a folder of splits, tables or labels; compressed files."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import datasets
import pyarrow as pa
import pytest

from finesweep.config.schema import DatasetConfig, SplitFiles
from finesweep.dataset import load_dataset
from finesweep.dataset.sources import read_source
from finesweep.errors import ConfigError
from finesweep.records import SplitName

ROWS = [(f"text {number}", "ab"[number % 2]) for number in range(40)]


def table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(["text,label", *(",".join(row) for row in rows)])


def texts(path: Path | str, split: SplitName = "train") -> list[str]:
    return list(read_source(DatasetConfig(name="x", path=str(path))).frames[split]["text"])


def test_a_pattern_is_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, rows in {"b.csv": ROWS[:10], "a.csv": ROWS[10:], "c.txt": ROWS}.items():
        (tmp_path / name).write_text(table(rows))
    wanted = [text for text, _ in ROWS[10:] + ROWS[:10]]
    assert texts(tmp_path / "*.csv") == wanted
    assert texts(tmp_path) == wanted


def test_a_relative_pattern_is_of_the_current_folder(workplace: Path) -> None:
    (workplace / "a.csv").write_text(table(ROWS))
    assert texts("?.csv") == [text for text, _ in ROWS]


def test_a_folder_of_splits_is_all_of_them(tmp_path: Path) -> None:
    parts = {"train.csv": ROWS[:20], "dev.csv": ROWS[20:30], "test.csv": ROWS[30:]}
    for name, rows in parts.items():
        (tmp_path / name).write_text(table(rows))
    dataset = load_dataset(DatasetConfig(name="x", path=str(tmp_path)))
    sizes = len(dataset.train), len(dataset.validation), len(dataset.test)
    assert sizes == (20, 10, 10)
    assert dataset.notes == ()


PARTS: dict[str, dict[str, list[str]]] = {
    "as the Hub stores them": {
        "train": ["train-00000-of-00002.csv", "train-00001-of-00002.csv"],
        "validation": ["validation-00000-of-00001.csv"],
        "test": ["test-00000-of-00001.csv"],
    },
    "a word of the names": {"train": ["Reviews_TRAIN.csv"], "test": ["reviews_test.csv"]},
    "numbered, beside a whole one": {"train": ["train_1.csv", "train2.csv"], "test": ["test.csv"]},
    "an exact name before others": {"train": ["train.csv"], "validation": ["dev.csv"]},
}
BESIDE = ["train_old.csv", "sample.csv", "train_test.csv", "README.md", "._train.csv"]


@pytest.mark.parametrize("files", PARTS.values(), ids=list(PARTS))
def test_the_files_of_a_folder_are_the_parts_of_its_splits(
    tmp_path: Path, files: dict[SplitName, list[str]]
) -> None:
    wanted: dict[SplitName, list[str]] = {}
    for split, names in files.items():
        for name in names:
            rows = [(f"{name} {text}", label) for text, label in ROWS[:4]]
            (tmp_path / name).write_text(table(rows))
            wanted.setdefault(split, []).extend(text for text, _ in rows)
    frames = read_source(DatasetConfig(name="x", path=str(tmp_path))).frames
    assert {split: sorted(frame["text"]) for split, frame in frames.items()} == {
        split: sorted(texts) for split, texts in wanted.items()
    }


def test_parts_and_what_belongs_to_no_split_are_told(tmp_path: Path) -> None:
    for name in ("train.csv", "test_a.csv", "test_b.csv", *BESIDE):
        (tmp_path / name).write_text(table(ROWS))
    source = read_source(DatasetConfig(name="x", path=str(tmp_path)))
    assert {split: len(frame) for split, frame in source.frames.items()} == {
        "train": 40,
        "test": 80,
    }
    assert source.notes == (
        "test is 2 files: 'test_a.csv', 'test_b.csv'",
        f"not read in {tmp_path}: 'sample.csv', 'train_old.csv', 'train_test.csv'",
    )


@pytest.mark.parametrize("name", ["test.csv", "reviews_test.csv", "dev-1.csv"])
def test_a_test_or_validation_file_is_never_train(tmp_path: Path, name: str) -> None:
    for file in (name, "reviews.csv"):
        (tmp_path / file).write_text(table(ROWS))
    with pytest.raises(ConfigError, match=rf"has '{name}', but nothing named train; set dataset"):
        texts(tmp_path)


@pytest.mark.parametrize("copy", ["train.jsonl", "train.csv.gz", "train/a.csv", "training.csv"])
def test_copies_of_a_split_are_not_read_twice(tmp_path: Path, copy: str) -> None:
    (tmp_path / copy).parent.mkdir(exist_ok=True)
    for name in ("train.csv", copy):
        (tmp_path / name).write_text(table(ROWS))
    with pytest.raises(ConfigError, match=r"may each be train; name the files in dataset\.files"):
        texts(tmp_path)


def test_folders_of_a_split_are_not_read_twice(tmp_path: Path) -> None:
    for name in ("train", "val", "dev"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text(table(ROWS))
    with pytest.raises(ConfigError, match=r"'dev', 'val' in .* may each be validation; name the"):
        texts(tmp_path)


def test_a_test_file_without_labels_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(table(ROWS))
    (tmp_path / "test.csv").write_text("id,text\n" + "".join(f"{k},new {k}\n" for k in range(9)))
    source = read_source(DatasetConfig(name="x", path=str(tmp_path)))
    assert list(source.frames) == ["train"]
    assert source.notes == ("test of the source has no labels: not used",)
    named = SplitFiles(train=str(tmp_path / "train.csv"), test=str(tmp_path / "test.csv"))
    with pytest.raises(ConfigError, match="test has no column 'label'"):
        read_source(DatasetConfig(name="x", files=named))


def test_hidden_files_are_not_read(tmp_path: Path) -> None:
    for name in ("a.csv", ".a.csv", "texts/pos/1.txt", "texts/neg/._1.txt", "texts/.git/1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(table(ROWS))
    assert len(texts(tmp_path)) == len(texts(tmp_path / "*.csv")) == 40
    frame = read_source(DatasetConfig(name="x", path=str(tmp_path / "texts"))).frames["train"]
    assert frame["label"].tolist() == ["pos"]


def test_files_of_a_split_have_the_same_class_names(tmp_path: Path) -> None:
    for name, labels in {"a": ["neg", "pos"], "b": ["pos", "neg"]}.items():
        column = datasets.ClassLabel(names=labels)
        features = datasets.Features({"text": datasets.Value("string"), "label": column})
        rows = {"text": [f"{name} one", f"{name} two"], "label": [0, 1]}
        datasets.Dataset.from_dict(rows, features).to_parquet(tmp_path / f"{name}.parquet")
    with pytest.raises(ConfigError, match=r"class names of .*b\.parquet, \('pos', 'neg'\), differ"):
        texts(tmp_path)


def test_folders_of_text_files_are_labels(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for number, (_, label) in enumerate(ROWS):
            folder = tmp_path / split / {"a": "neg", "b": "pos"}[label]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:02}.txt").write_text(f"{split}\n{number}")
    dataset = load_dataset(DatasetConfig(name="x", path=str(tmp_path)))
    assert dataset.label_names == ("neg", "pos")
    assert Counter(dataset.test["label"]) == {0: 20, 1: 20}
    assert dataset.test["text"][0] == "test\n0"


def test_text_files_are_read_in_the_encodings_of_tables(tmp_path: Path) -> None:
    contents = {"a": "é".encode("utf-8-sig"), "b": "é\r\nx".encode("utf-16"), "c": "éß\xff"[:2]}
    for name, content in contents.items():
        (tmp_path / "pos").mkdir(exist_ok=True)
        whole = content if isinstance(content, bytes) else content.encode() + b"\xff"
        (tmp_path / "pos" / f"{name}.txt").write_bytes(whole)
    with pytest.raises(ConfigError, match=r"c\.txt is not utf-8 at byte 4 .*=replace reads them"):
        texts(tmp_path)
    config = DatasetConfig(name="x", path=str(tmp_path), encoding_errors="replace")
    source = read_source(config)
    assert list(source.frames["train"]["text"]) == ["é", "é\nx", "éß\ufffd"]
    assert source.notes == (
        "b.txt: utf-16 by its byte order mark; dataset.encoding sets it; so for 1 other file",
    )


@pytest.mark.parametrize("suffix", ["gz", "zst"])
@pytest.mark.parametrize("plain", ["csv", "tsv", "jsonl"])
def test_a_compressed_file_is_read_as_its_content(tmp_path: Path, plain: str, suffix: str) -> None:
    content = {
        "csv": "text,label\né,a\nx,b\n",
        "tsv": "text\tlabel\né\ta\nx\tb\n",
        "jsonl": '{"text": "é", "label": "a"}\n{"text": "x", "label": "b"}\n',
    }[plain].encode()
    path = tmp_path / f"rows.{plain}.{suffix}"
    if suffix == "gz":
        path.write_bytes(gzip.compress(content))
    else:
        with pa.output_stream(str(path), compression="zstd") as stream:
            stream.write(content)
    assert texts(path) == ["é", "x"]


def test_a_torn_compressed_file_is_a_clear_mistake(tmp_path: Path) -> None:
    whole = gzip.compress(table(ROWS * 500).encode())
    (tmp_path / "rows.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"rows\.csv\.gz cannot be read as .*gz: .*end"):
        texts(tmp_path / "rows.csv.gz")


def test_a_file_that_is_not_compressed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv.gz").write_text(table(ROWS))
    with pytest.raises(ConfigError, match=r"rows\.csv\.gz cannot be read as \.gz: Not a gzipped"):
        texts(tmp_path / "rows.csv.gz")


def test_a_pattern_without_files_and_an_empty_folder_are_mistakes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.path: no file matches .*\*\.csv"):
        texts(tmp_path / "*.csv")
    with pytest.raises(ConfigError, match=r"dataset\.path: .* has no \.csv, .* one per label"):
        texts(tmp_path)


def test_files_with_other_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table(ROWS))
    (tmp_path / "b.csv").write_text("text,stars\nx,a\n")
    with pytest.raises(ConfigError, match=r"b\.csv has no column 'label', which .*a\.csv has"):
        texts(tmp_path)


def test_a_pattern_names_a_split_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table(ROWS))
    (tmp_path / "t1.csv").write_text(table(ROWS[:4]))
    (tmp_path / "t2.csv").write_text(table(ROWS[4:6]))
    files = SplitFiles(train=str(tmp_path / "a.csv"), test=str(tmp_path / "t*.csv"))
    assert len(read_source(DatasetConfig(name="x", files=files)).frames["test"]) == 6


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("hf://stanfordnlp/imdb", ("stanfordnlp/imdb", None, None)),
        ("hf://datasets/nyu-mll/glue@1.0/sst2", ("nyu-mll/glue", "sst2", "1.0")),
        ("hf://nyu-mll/glue/sst2", ("nyu-mll/glue", "sst2", None)),
    ],
)
def test_a_hub_path_names_repository_configuration_and_revision(
    path: str, wanted: tuple[str | None, ...]
) -> None:
    from finesweep.dataset.reading.hub import hub_name

    named = hub_name(DatasetConfig(name="x", path=path))
    assert named is not None
    assert (named.repository, named.subset, named.revision) == wanted


def test_a_malformed_hub_path_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"dataset\.path: 'hf://imdb' is not hf://OWNER/NAME"):
        texts("hf://imdb")
