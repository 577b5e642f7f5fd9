"""The files that the config names: one file, all that match a pattern, or a folder's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from finesweep.config.package_files import packaged_path
from finesweep.config.schema import DatasetConfig
from finesweep.dataset.reading.compression import plain_suffix
from finesweep.dataset.reading.formats import PLAIN, READERS
from finesweep.dataset.reading.saved import is_saved_split, saved_splits
from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName

NAMES_OF_SPLITS: Mapping[SplitName, Sequence[str]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
"""Split → allowed names of its file or folder."""
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
    field = "dataset.path"
    folder = packaged_path(name, field=field).expanduser()
    if not folder.is_dir():
        return {"train": _of_name(name, field)}
    entries = _splits_in(folder)
    if "train" in entries:
        return {split: _of_name(str(entry), field) for split, entry in entries.items()}
    if (saved := saved_splits(folder)) is not None:
        message = f"{folder} has the splits {', '.join(saved)}, but none named train"
        raise ConfigError(Problem(field, f"{message}; set dataset.files.train to one of them"))
    return {"train": _of_folder(folder, field)}


def unread_splits(config: DatasetConfig) -> list[str]:
    """Names of a saved dataset's splits other than train, validation and test."""
    folder = None if config.path is None else Path(config.path).expanduser()
    if folder is None or not folder.is_dir():
        return []
    split_names = {entry.name for entry in _splits_in(folder).values()}
    return [name for name in saved_splits(folder) or [] if name not in split_names]


def _splits_in(folder: Path) -> dict[SplitName, Path]:
    return {
        split: entry
        for split, names in NAMES_OF_SPLITS.items()
        for entry in sorted(folder.iterdir())
        if entry.name.split(".")[0].lower() in names and (entry.is_dir() or _may_be_table(entry))
    }


def _of_name(name: str, field: str) -> FileSet:
    path = packaged_path(name, field=field).expanduser()
    if path.is_dir():
        return _of_folder(path, field)
    if PATTERN & set(name) and not path.exists():
        root = Path(path.anchor) if path.is_absolute() else Path()
        files = tuple(sorted(root.glob(str(path.relative_to(root)))))
        if not files:
            raise ConfigError(Problem(field, f"no file matches {name}"))
        return FileSet(field, files)
    return FileSet(field, (path,))


def _of_folder(folder: Path, field: str) -> FileSet:
    if is_saved_split(folder):
        return FileSet(field, (folder,), saved=True)
    texts = tuple(sorted(folder.glob(f"*/*{TEXT}")))
    if texts:
        return FileSet(field, texts, label_folders=True)
    files = tuple(path for path in sorted(folder.iterdir()) if _is_table(path))
    if not files:
        kinds = ", ".join(READERS)
        message = f"{folder} has no {kinds} file, and no folders of {TEXT} files, one per label"
        raise ConfigError(Problem(field, message))
    return FileSet(field, files)


def _is_table(path: Path) -> bool:
    return path.is_file() and plain_suffix(path) in READERS


def _may_be_table(path: Path) -> bool:
    """Whether a file named after a split may be a table; other text files, such as a README, are
    not."""
    return path.is_file() and plain_suffix(path) in (*READERS, *PLAIN)
