"""Moving a tracking store together with its project's folder.

MLflow writes absolute paths of experiments, runs, models, versions and traces into its database. A
tag of each experiment records the database's folder; when that has changed, the paths are updated.
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

STORE_TAG = "finesweep.store"
"""Tag of an experiment: URI of the database's folder when it was last opened."""
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
    ("trace_tags", "value"),
)
"""Tables and columns of MLflow with locations of files; among trace tags, TRACE_LOCATION only."""
TRACE_LOCATION = "mlflow.artifactLocation"
FILES = (
    "SELECT artifact_uri FROM runs UNION ALL SELECT artifact_location FROM logged_models"
    " UNION ALL SELECT storage_location FROM model_versions"
)
BUSY_SECONDS = 30
logger = logging.getLogger("finesweep")


@dataclass(frozen=True)
class Move:
    """A folder as written in the database, and where it is now."""

    old: str
    """URI or path, as in MLflow's database."""
    new: str
    """The new location, in the same form."""


def relocate(uri: str) -> None:
    """Updates the paths in a SQLite store whose folder was moved or copied, and logs it once.

    Artifacts that the user stores elsewhere keep their paths, and so do files that were not moved.
    ConfigError when paths must change and the database cannot be written.
    """
    database = sqlite_file(uri)
    if database is None or not database.is_file():
        return
    home = _folder_of(database)
    with closing(
        sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)
    ) as connection:
        if not _has_tables(connection) or _homes(connection) == {home.as_uri()}:
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            moves = _moves(connection, home)  # again: another process may have updated them
            _apply(connection, moves)
            _remember(connection, home)
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if not (moves := _moves(connection, home)):
                return  # nothing to change in a read-only store
            message = (
                f"the store was moved here from {_path(moves[0].old)}, but its paths cannot be"
                f" updated ({error}); make {database} and its folder writable once"
            )
            raise ConfigError(Problem("tracking.uri", message)) from error
    if moves:
        logger.warning(
            "the MLflow store was moved here from %s: its paths are now %s",
            _path(moves[0].old),
            _path(moves[0].new),
        )


def home_tags(uri: str) -> dict[str, str]:
    """Tags of a new experiment in the store at uri: the database's folder."""
    database = sqlite_file(uri)
    return {} if database is None else {STORE_TAG: _folder_of(database).as_uri()}


def _folder_of(database: Path) -> Path:
    """The database's absolute folder, without following symbolic links."""
    return Path(os.path.normpath(database.absolute())).parent


def _has_tables(connection: sqlite3.Connection) -> bool:
    query = "SELECT count(*) FROM sqlite_master WHERE name IN ('experiments', 'experiment_tags')"
    try:
        return bool(connection.execute(query).fetchone()[0] == 2)
    except sqlite3.DatabaseError:
        return False  # MLflow reports what is wrong with it


def _homes(connection: sqlite3.Connection) -> set[str | None]:
    """The database folders recorded by experiments with local artifacts; None if not recorded."""
    rows = connection.execute(
        "SELECT DISTINCT value, artifact_location FROM experiments LEFT JOIN experiment_tags ON"
        " experiment_tags.experiment_id = experiments.experiment_id AND key = ?",
        (STORE_TAG,),
    )
    return {home for home, location in rows if location and _is_local(location)}


def _moves(connection: sqlite3.Connection, home: Path) -> list[Move]:
    """The folders whose paths must change, the outermost first."""
    files = [each for (each,) in connection.execute(FILES) if each and _is_local(each)]
    locations = [
        location for (location,) in connection.execute("SELECT artifact_location FROM experiments")
    ]
    moves: dict[str, str] = {}
    for old_home in filter(None, _homes(connection)):
        if _is_same(_path(old_home), home):
            continue
        if _files_came_along(old_home, home.as_uri(), files):
            moves |= _both_forms(old_home, home)
        for location in filter(_is_local, filter(None, locations)):
            location_now = Path(
                os.path.normpath(home / os.path.relpath(_path(location), _path(old_home)))
            )
            if not _is_below(location, moves) and _is_at(location_now, location, files):
                moves |= _both_forms(location, location_now)
    for location in filter(_is_local, filter(None, locations)):
        if not _is_below(location, moves):
            moves |= _infer_move(location, home, files)
    return [Move(old, new) for old, new in moves.items()]


def _infer_move(location: str, home: Path, files: Iterable[str]) -> dict[str, str]:
    """The move of a store that has not recorded its folder, inferred from files of its runs that
    are beside it and not where the database says."""
    parts = _path(location).parts
    for k in range(1, len(parts)):
        for base in (home, home.parent):
            now = base.joinpath(*parts[-k:])
            if not _is_at(now, location, files):
                continue
            tail = now.relative_to(base).parts if base == home else ()
            old_home = Path(*parts[: len(parts) - len(tail)])
            return _both_forms(old_home.as_posix(), home) if tail else _both_forms(location, now)
    return {}


def _files_came_along(old_home: str, home: str, files: Iterable[str]) -> bool:
    """Whether files of the store are here, or there are none to move."""
    below = [file for file in files if _is_below(file, [old_home])]
    here = (home + file[len(old_home) :] for file in below)
    return any(map(_exists, here)) or not any(map(_exists, below))


def _is_at(now: Path, location: str, files: Iterable[str]) -> bool:
    """Whether files recorded below location exist at the same relative paths below this folder."""
    if _is_same(_path(location), now) or not now.is_dir():
        return False
    return any(
        (now / _path(file).relative_to(_path(location))).exists()
        for file in _below(location, files)
    )


def _below(location: str, files: Iterable[str]) -> Iterator[str]:
    return (file for file in files if _is_below(file, [location]))


def _apply(connection: sqlite3.Connection, moves: Iterable[Move]) -> None:
    for move in moves:
        for table, column in COLUMNS:
            own = f" AND key = '{TRACE_LOCATION}'" if table == "trace_tags" else ""
            connection.execute(
                f"UPDATE {table} SET {column} = :new || substr({column}, :n + 1)"
                f" WHERE substr({column}, 1, :n) = :old"
                f" AND substr({column}, :n + 1, 1) IN ('', '/'){own}",
                {"old": move.old, "new": move.new, "n": len(move.old)},
            )


def _remember(connection: sqlite3.Connection, home: Path) -> None:
    connection.execute("DELETE FROM experiment_tags WHERE key = ?", (STORE_TAG,))
    for number, location in connection.execute(
        "SELECT experiment_id, artifact_location FROM experiments"
    ):
        if location and _is_local(location):
            connection.execute(
                "INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?)",
                (STORE_TAG, home.as_uri(), number),
            )


def _both_forms(old: str, new: Path) -> dict[str, str]:
    """The two forms in which MLflow writes a folder: as a URI, and as a path."""
    path = _path(old)
    uri = old if old.startswith("file:") else _uri(path)
    return {uri: new.as_uri(), path.as_posix(): new.as_posix()}


def _is_below(location: str, roots: Iterable[str]) -> bool:
    return any(location == root or location.startswith(f"{root}/") for root in roots)


def _is_local(location: str) -> bool:
    return location.startswith(("file:", "/")) or bool(re.match(r"[A-Za-z]:[\\/]", location))


def _path(location: str) -> Path:
    """The path of a file URI, also from another operating system; paths are returned unchanged."""
    if not location.startswith("file:"):
        return Path(location)
    path = unquote(urlsplit(location).path)
    return Path(path[1:] if re.match(r"/[A-Za-z]:/", path) else path)


def _uri(path: Path) -> str:
    return path.as_uri() if path.is_absolute() else f"file:///{path.as_posix()}"


def _exists(location: str) -> bool:
    return _path(location).exists()


def _is_same(one: Path, other: Path) -> bool:
    """Whether both paths are the same folder, also through symbolic links."""
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False
