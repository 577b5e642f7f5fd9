"""The files that the config names: one file, all that match a pattern, or a folder's."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from finesweep.config.package_files import packaged_path
from finesweep.config.schema import DatasetConfig
from finesweep.dataset.reading.compression import COMPRESSED, plain_suffix
from finesweep.dataset.reading.formats import PLAIN, READERS
from finesweep.dataset.reading.saved import is_saved_split, saved_splits
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName
from finesweep.wording import listed

NAMES_OF_SPLITS: Mapping[SplitName, Sequence[str]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
"""Split → names of its file or folder, and words in the names of its files."""
PATH = "dataset.path"
PATTERN = set("*?[")
TEXT = ".txt"


@dataclass(frozen=True)
class FileSet:
    """The files of one split, sorted by name, and the config field that names them."""

    field: str
    files: tuple[Path, ...]
    label_folders: bool = False
    """Whether each file is one text, labelled with its folder's name."""
    saved: bool = False
    """Whether it is a folder that `datasets` saved."""


def file_sets_of(config: DatasetConfig) -> dict[SplitName, FileSet]:
    """Split → its files, for a config that names files; ConfigError if there are none."""
    if config.path is not None:
        return _of_path(config.path)
    named = {split: getattr(config.files, split) for split in NAMES_OF_SPLITS}
    return {
        split: _of_name(name, f"dataset.files.{split}") for split, name in named.items() if name
    }


def _of_path(name: str) -> dict[SplitName, FileSet]:
    """The splits of one path: a folder may contain all three, everything else is train."""
    folder = packaged_path(name, field=PATH)
    if not folder.is_dir():
        return {"train": _of_name(name, PATH)}
    entries = _splits_in(folder)
    if "train" in entries:
        return {split: _of_split(found, split, PATH) for split, found in entries.items()}
    if others := saved_splits(folder) or [e.name for found in entries.values() for e in found]:
        message = f"{folder} has {listed(others)}, but nothing named train"
        raise ConfigError(Problem(PATH, f"{message}; set dataset.files.train"))
    return {"train": _of_folder(folder, PATH)}


def unread_entries(config: DatasetConfig) -> list[str]:
    """Names of a folder's tables, or of a saved dataset's splits, that belong to no split."""
    if config.path is None:
        return []
    folder = packaged_path(config.path, field=PATH)
    if not folder.is_dir() or not (entries := _splits_in(folder)):
        return []
    read = {path.name for found in entries.values() for path in found}
    present = saved_splits(folder) or [path.name for path in _tables_in(folder)]
    return [name for name in present if name not in read]


def _splits_in(folder: Path) -> dict[SplitName, tuple[Path, ...]]:
    """Split → its folder or file, which is called so, or else the tables with the split's name, and
    no other's, as a word of theirs: train-00000-of-00002.parquet, reviews_test.csv."""
    found = {split: _called(folder, names) for split, names in NAMES_OF_SPLITS.items()}
    tables = {path: _splits_named(path) for path in _tables_in(folder)}
    for split, entries in found.items():
        found[split] = entries or tuple(path for path in tables if tables[path] == [split])
    return {split: entries for split, entries in found.items() if entries}


def _called(folder: Path, names: Sequence[str]) -> tuple[Path, ...]:
    return tuple(
        entry
        for entry in _visible(folder)
        if (entry.name.lower() in names and entry.is_dir())
        or (_stem(entry) in names and _may_be_table(entry))
    )


def _stem(file: Path) -> str:
    """The name without the extensions of its format and compression, lower case."""
    whole = Path(file.stem if file.suffix.lower() in COMPRESSED else file.name)
    return whole.stem.lower()


def _splits_named(path: Path) -> list[SplitName]:
    words = re.split(r"[\W\d_]+", path.name.lower())
    return [split for split, names in NAMES_OF_SPLITS.items() if any(n in words for n in names)]


def _of_split(entries: Sequence[Path], split: SplitName, field: str) -> FileSet:
    """A split's one entry, or the tables that are its parts; ConfigError where these may also be
    copies of one another."""
    if len(entries) == 1:
        return _of_name(str(entries[0]), field)
    stems = {_stem(path) for path in entries}
    are_parts = len({plain_suffix(path) for path in entries}) == 1 and len(stems) == len(entries)
    if not are_parts or stems & set(NAMES_OF_SPLITS[split]):
        names = listed([path.name for path in entries])
        message = f"{names} in {entries[0].parent} may each be {split}"
        raise ConfigError(Problem(field, f"{message}; name the files in dataset.files"))
    return FileSet(field, tuple(entries))


def _of_name(name: str, field: str) -> FileSet:
    path = packaged_path(name, field=field)
    if path.is_dir():
        return _of_folder(path, field)
    if PATTERN & set(name) and not path.exists():
        files = _matches(str(path))
        if not files:
            raise ConfigError(Problem(field, f"no file matches {name}"))
        return FileSet(field, files)
    return FileSet(field, (path,))


def _of_folder(folder: Path, field: str) -> FileSet:
    if is_saved_split(folder):
        return FileSet(field, (folder,), saved=True)
    texts = _matches(f"{glob.escape(str(folder))}/*/*{TEXT}")
    if texts:
        return FileSet(field, texts, label_folders=True)
    files = _tables_in(folder)
    if not files:
        kinds = ", ".join(READERS)
        message = f"{folder} has no {kinds} file, and no folders of {TEXT} files, one per label"
        raise ConfigError(Problem(field, message))
    return FileSet(field, files)


def _tables_in(folder: Path) -> tuple[Path, ...]:
    return tuple(
        path for path in _visible(folder) if path.is_file() and plain_suffix(path) in READERS
    )


def _visible(folder: Path) -> list[Path]:
    """What the folder has, sorted, without hidden files, which systems and editors write."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _matches(pattern: str) -> tuple[Path, ...]:
    """The files that a shell's pattern names, sorted: hidden ones only where it names a dot."""
    # Path.glob matches hidden files too.
    return tuple(sorted(map(Path, glob.glob(pattern, recursive=True))))  # noqa: PTH207


def _may_be_table(path: Path) -> bool:
    """Whether a file named after a split may be a table; other text files, such as a README, are
    not."""
    return path.is_file() and plain_suffix(path) in (*READERS, *PLAIN)
