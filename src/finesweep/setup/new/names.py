"""Names that a new dataset and its sweep may have, and the files that they would be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from finesweep.config.search_path import packaged_root, project_folders
from finesweep.errors import ConfigError, Problem

NAME = re.compile(r"[A-Za-z]\w*(?:-\w+)*", re.ASCII)
MAX_CHARACTERS = 60


@dataclass(frozen=True)
class NewFiles:
    """The two files of a new dataset."""

    dataset: Path
    sweep: Path


def files_for(name: str, *, force: bool) -> NewFiles:
    """The files of this name in the current folder; ConfigError when the name does not fit, or
    when a file exists and force is false."""
    if complaint := name_complaint(name):
        raise ConfigError(Problem("NAME", f"{name!r} given; {complaint}"))
    files = NewFiles(Path("conf/dataset") / f"{name}.yaml", Path("sweeps") / f"{name}.yaml")
    both = (files.dataset, files.sweep)
    if (exist := [str(path) for path in both if path.exists()]) and not force:
        verb = "exist" if len(exist) > 1 else "exists"
        raise ConfigError(
            Problem(
                "NAME", f"{' and '.join(exist)} {verb} already; --force overwrites {_both(both)}"
            )
        )
    if packaged := [path for path in both if _is_packaged(path)]:
        message = f"{name!r} given; finesweep comes with {packaged[0]}, which it would hide"
        raise ConfigError(Problem("NAME", f"{message}; take another name"))
    return files


def name_complaint(name: str) -> str | None:
    """Why Hydra cannot take the name as a choice, or MLflow as a model; None when both can."""
    if not NAME.fullmatch(name) or yaml.safe_load(name) != name:
        suggestion = re.sub(r"\W+", "-", name, flags=re.ASCII).strip("-_0123456789") or "reviews"
        hint = f"; for example {suggestion!r}" if yaml.safe_load(suggestion) == suggestion else ""
        return f"must be letters, digits, '_' and '-', and start with a letter{hint}"
    if len(name) > MAX_CHARACTERS:
        return f"must have at most {MAX_CHARACTERS} characters"
    return None


def _both(paths: tuple[Path, Path]) -> str:
    return f"both {paths[0]} and {paths[1]}"


def _is_packaged(path: Path) -> bool:
    own, packaged = project_folders(str(path))
    is_checkout = Path.cwd() == packaged_root()  # there the packaged folders are the user's own
    return packaged.exists() and own.absolute() != packaged.absolute() and not is_checkout
