"""Revisions of the databases' tables: those that an installed library knows, from its scripts.

Both libraries bring a folder of Alembic scripts. To import them, as the libraries do, takes
seconds; the two names that form their chain are read instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

REVISION = re.compile(r"^(down_)?revision\s*(?::[^=]+)?=\s*[\"']([\w.]+)[\"']", re.MULTILINE)


@dataclass(frozen=True)
class Library:
    """A library that keeps its tables in a database."""

    name: str
    scripts: str
    """Folder of its scripts, inside the package."""
    upgrade: str
    """Command that brings older tables up to date; {url} is the database."""
    table: str
    row: str
    """Its main table, and what one row of it is."""


OPTUNA = Library(
    name="optuna",
    scripts="storages/_rdb/alembic/versions",
    upgrade="optuna storage upgrade --storage {url}",
    table="trials",
    row="trial",
)
MLFLOW = Library(
    name="mlflow",
    scripts="store/db_migrations/versions",
    upgrade="mlflow db upgrade {url}",
    table="runs",
    row="run",
)


def known_revisions(library: Library) -> tuple[set[str], str]:
    """All revisions that the installed library knows, and the latest; LookupError when its scripts
    are not one chain."""
    spec = find_spec(library.name)
    if spec is None or spec.origin is None:
        raise LookupError(f"{library.name} is not installed")
    revisions: set[str] = set()
    before: set[str] = set()
    for file in (Path(spec.origin).parent / library.scripts).glob("*.py"):
        for is_before, revision in REVISION.findall(file.read_text(encoding="utf-8")):
            (before if is_before else revisions).add(revision)
    heads = revisions - before
    if len(heads) != 1:
        raise LookupError(f"{len(heads)} latest revisions of {library.name}'s tables")
    return revisions, heads.pop()
