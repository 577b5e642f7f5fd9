"""A store that lies in a project's folder moves with it.

MLflow writes absolute paths into its database: of experiments, runs, models, versions and traces.
So each experiment remembers where its database lay, and where that has changed the paths follow.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from finesweep.databases import sqlite_file
from finesweep.errors import ConfigError, Problem

HOME = "finesweep.store"
"""Tag of an experiment: URI of the folder in which its database lay when it was last opened."""
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
    ("trace_tags", "value"),
)
"""Of MLflow's tables, those that hold locations of files; of a trace's tags one does."""
OF_TRACES = "mlflow.artifactLocation"
FILES = (
    "SELECT artifact_uri FROM runs UNION ALL SELECT artifact_location FROM logged_models"
    " UNION ALL SELECT storage_location FROM model_versions"
)
BUSY_SECONDS = 30
logger = logging.getLogger("finesweep")


@dataclass(frozen=True)
class Move:
    """A folder as it is written in the database, and where it lies now."""

    old: str
    """URI or path, as MLflow has it."""
    new: str
    """In the same form."""


def follow(uri: str) -> None:
    """Sets the paths of a SQLite store right whose folder was moved or copied, and tells so once.

    What lies elsewhere by the user's wish stays where it is, and so do files that did not come
    along. ConfigError when the paths must change and the database cannot be written.
    """
    database = sqlite_file(uri)
    if database is None or not database.is_file():
        return
    home = _folder_of(database)
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)) as opened:
        if not _has_tables(opened) or _homes(opened) == {home.as_uri()}:
            return
        try:
            opened.execute("BEGIN IMMEDIATE")
            moves = _moves(opened, home)  # again: another process may have been here first
            _apply(opened, moves)
            _remember(opened, home)
            opened.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if not (moves := _moves(opened, home)):
                return  # nothing has to change in a store that is only read
            message = (
                f"the store was moved here from {_path(moves[0].old)}, and its paths cannot be set"
                f" right ({error}); make {database} and its folder writable once"
            )
            raise ConfigError(Problem("tracking.uri", message)) from error
    if moves:
        logger.warning(
            "the MLflow store was moved here from %s: its paths now say %s",
            _path(moves[0].old),
            _path(moves[0].new),
        )


def home_of(uri: str) -> dict[str, str]:
    """Tags of a new experiment in the store at uri: where its database lies."""
    database = sqlite_file(uri)
    return {} if database is None else {HOME: _folder_of(database).as_uri()}


def _folder_of(database: Path) -> Path:
    """Absolute, and by the name it was given: a symbolic link is not followed."""
    return Path(os.path.normpath(database.absolute())).parent


def _has_tables(opened: sqlite3.Connection) -> bool:
    known = "SELECT count(*) FROM sqlite_master WHERE name IN ('experiments', 'experiment_tags')"
    try:
        return bool(opened.execute(known).fetchone()[0] == 2)
    except sqlite3.DatabaseError:
        return False  # MLflow says what is wrong with it


def _homes(opened: sqlite3.Connection) -> set[str | None]:
    """Where the experiments with files of their own say that their database lies; None: unknown."""
    rows = opened.execute(
        "SELECT DISTINCT value, artifact_location FROM experiments LEFT JOIN experiment_tags ON"
        " experiment_tags.experiment_id = experiments.experiment_id AND key = ?",
        (HOME,),
    )
    return {home for home, location in rows if location and _is_local(location)}


def _moves(opened: sqlite3.Connection, home: Path) -> list[Move]:
    """The folders whose paths must change, the one that holds the others first."""
    files = [each for (each,) in opened.execute(FILES) if each and _is_local(each)]
    locations = [
        location for (location,) in opened.execute("SELECT artifact_location FROM experiments")
    ]
    found: dict[str, str] = {}
    for old_home in filter(None, _homes(opened)):
        if _is_same(_path(old_home), home):
            continue
        if _came_along(old_home, home.as_uri(), files):
            found |= _forms(old_home, home)
        for location in filter(_is_local, filter(None, locations)):
            beside = Path(
                os.path.normpath(home / os.path.relpath(_path(location), _path(old_home)))
            )
            if not _is_below(location, found) and _lies_at(beside, location, files):
                found |= _forms(location, beside)
    for location in filter(_is_local, filter(None, locations)):
        if not _is_below(location, found):
            found |= _inferred(location, home, files)
    return [Move(old, new) for old, new in found.items()]


def _inferred(location: str, home: Path, files: Iterable[str]) -> dict[str, str]:
    """What has moved by the look of it, in a store that does not say where it lay: the files of
    its runs lie beside it, and not where they should."""
    parts = _path(location).parts
    for k in range(1, len(parts)):
        for base in (home, home.parent):
            now = base.joinpath(*parts[-k:])
            if not _lies_at(now, location, files):
                continue
            tail = now.relative_to(base).parts if base == home else ()
            old_home = Path(*parts[: len(parts) - len(tail)])
            return _forms(old_home.as_posix(), home) if tail else _forms(location, now)
    return {}


def _came_along(old_home: str, home: str, files: Iterable[str]) -> bool:
    """Whether files of the store lie here, or there are none that could."""
    below = [file for file in files if _is_below(file, [old_home])]
    here = (home + file[len(old_home) :] for file in below)
    return any(map(_exists, here)) or not any(map(_exists, below))


def _lies_at(now: Path, location: str, files: Iterable[str]) -> bool:
    """Whether files that are recorded below location lie in the same way below this folder."""
    if _is_same(_path(location), now) or not now.is_dir():
        return False
    return any(
        (now / _path(file).relative_to(_path(location))).exists()
        for file in _below(location, files)
    )


def _below(location: str, files: Iterable[str]) -> Iterator[str]:
    return (file for file in files if _is_below(file, [location]))


def _apply(opened: sqlite3.Connection, moves: Iterable[Move]) -> None:
    for move in moves:
        for table, column in COLUMNS:
            own = f" AND key = '{OF_TRACES}'" if table == "trace_tags" else ""
            opened.execute(
                f"UPDATE {table} SET {column} = :new || substr({column}, :n + 1)"
                f" WHERE substr({column}, 1, :n) = :old"
                f" AND substr({column}, :n + 1, 1) IN ('', '/'){own}",
                {"old": move.old, "new": move.new, "n": len(move.old)},
            )


def _remember(opened: sqlite3.Connection, home: Path) -> None:
    opened.execute("DELETE FROM experiment_tags WHERE key = ?", (HOME,))
    for number, location in opened.execute(
        "SELECT experiment_id, artifact_location FROM experiments"
    ):
        if location and _is_local(location):
            opened.execute(
                "INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?)",
                (HOME, home.as_uri(), number),
            )


def _forms(old: str, new: Path) -> dict[str, str]:
    """The two ways in which MLflow writes one folder: as a URI, and as a path."""
    path = _path(old)
    uri = old if old.startswith("file:") else _uri(path)
    return {uri: new.as_uri(), path.as_posix(): new.as_posix()}


def _is_below(location: str, roots: Iterable[str]) -> bool:
    return any(location == root or location.startswith(f"{root}/") for root in roots)


def _is_local(location: str) -> bool:
    return location.startswith(("file:", "/")) or bool(re.match(r"[A-Za-z]:[\\/]", location))


def _path(location: str) -> Path:
    """The path of a file's URI, of another system too; a path is itself."""
    if not location.startswith("file:"):
        return Path(location)
    path = unquote(urlsplit(location).path)
    return Path(path[1:] if re.match(r"/[A-Za-z]:/", path) else path)


def _uri(path: Path) -> str:
    return path.as_uri() if path.is_absolute() else f"file:///{path.as_posix()}"


def _exists(location: str) -> bool:
    return _path(location).exists()


def _is_same(one: Path, other: Path) -> bool:
    """Whether both names are of one folder: by a symbolic link, too."""
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False
