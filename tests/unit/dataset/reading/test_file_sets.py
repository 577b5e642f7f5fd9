"""Paths: a file, a pattern, a folder of splits, tables or labels; compressed files."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

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
