"""The study storage and the tracking store: reachable, with fitting tables, and how fast.

Nothing is created: a file that is not there yet is only looked for, and one that is there is opened
read-only.
"""

from __future__ import annotations

import base64
import os
import time
import urllib.error
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request

from sqlalchemy import Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from finesweep.config import StorageConfig, TrackingConfig
from finesweep.databases import CONNECT_SECONDS, hidden_password, sqlite_file
from finesweep.errors import first_line
from finesweep.setup.doctor.findings import Finding, ok
from finesweep.setup.doctor.revisions import MLFLOW, OPTUNA, Library, known_revisions
from finesweep.web import REDIRECTS, answer_to
from finesweep.wording import counted

DIALECTS = ("sqlite", "postgresql")
"""Databases of studies; MLflow takes others too."""
EXPERIMENTS = "/api/2.0/mlflow/experiments/search?max_results=1"
MAX_BODY = 100_000
KEEPING_POST = (307, 308)
"""Redirects that MLflow's client can work with; after others it repeats a POST as a GET."""
TOKEN = "MLFLOW_TRACKING_TOKEN"
LOGIN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"


def storage(config: StorageConfig) -> Finding:
    """Optuna's database."""
    return _database("storage", config.url, OPTUNA, field="storage.url")


def tracking(config: TrackingConfig) -> Finding:
    """MLflow's store: a database, or a server."""
    if config.uri.startswith(("http://", "https://")):
        return _server(config.uri)
    return _database("tracking", config.uri, MLFLOW, field="tracking.uri")


def _database(name: str, url: str, library: Library, *, field: str) -> Finding:
    shown, file = hidden_password(url), sqlite_file(url)
    if file is not None and not file.exists():
        return ok(name, f"{shown} is not made yet; the first run makes it")
    began = time.perf_counter()
    try:
        if library is OPTUNA and (dialect := make_url(url).get_backend_name()) not in DIALECTS:
            raise ValueError(f"{dialect} is not supported; use SQLite or PostgreSQL")
        with engine_for(url, file).connect() as connection:
            opened = time.perf_counter() - began
            connection.execute(text("SELECT 1"))
            began = time.perf_counter()
            connection.execute(text("SELECT 1"))
            answered = time.perf_counter() - began
            speed = f"opened in {1e3 * opened:.0f} ms, answers in {1e3 * answered:.1f} ms"
            return _tables(name, url, connection, library, speed=speed)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        reason = hidden_password(first_line(getattr(error, "orig", None) or error))
        return Finding(name, "broken", f"{shown}: {reason}", _remedy(url, field, reason))


def engine_for(url: str, file: Path | None) -> Engine:
    """An engine that waits a few seconds at most; read-only for SQLite."""
    if file is not None:
        only_read = f"sqlite:///file:{quote(str(file.absolute()))}?mode=ro&uri=true"
        return create_engine(
            only_read, poolclass=NullPool, connect_args={"timeout": CONNECT_SECONDS}
        )
    is_psycopg = make_url(url).get_backend_name() == "postgresql"
    arguments = {"connect_timeout": CONNECT_SECONDS} if is_psycopg else {}
    return create_engine(url, poolclass=NullPool, connect_args=arguments)


def _tables(
    name: str, url: str, connection: Connection, library: Library, *, speed: str
) -> Finding:
    """Whether the tables are those of the installed library, and how many rows the main one has."""
    shown, tables = hidden_password(url), inspect(connection).get_table_names()
    if library.table not in tables:
        return ok(name, f"{shown} has no tables yet; the first run makes them; {speed}")
    known, latest = known_revisions(library)
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found == latest:
        n = connection.execute(text(f"SELECT COUNT(*) FROM {library.table}")).scalar_one()
        return ok(name, f"{shown}: {counted(n, library.row)}, tables fit; {speed}")
    installed = f"{library.name} {version(library.name)}"
    if found in known:
        message = f"{shown}: its tables are older than {installed}"
        return Finding(name, "broken", message, library.upgrade.format(url=f"'{shown}'"))
    message = f"{shown}: its tables ({found}) are unknown to {installed}, so a later one made them"
    return Finding(name, "broken", message, f"pip install --upgrade {library.name}")


def _server(uri: str) -> Finding:
    """An MLflow server: whether it answers, lets us in, and has our version."""
    shown, began = hidden_password(uri), time.perf_counter()
    try:
        _get(f"{uri.rstrip('/')}{EXPERIMENTS}")
        milliseconds = 1e3 * (time.perf_counter() - began)
        served = _get(f"{uri.rstrip('/')}/version").strip()
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            user = urlsplit(uri).username or os.environ.get(LOGIN[0])
            message = f"{shown} refuses {user!r}" if user else f"{shown} asks for a login"
            return Finding("tracking", "broken", message, f"export {LOGIN[0]}=… {LOGIN[1]}=…")
        if error.code in REDIRECTS:
            message = f"{shown} answers {error.code} {error.reason}"
            hint = "set tracking.uri to the address to which it redirects"
            is_fatal = error.code not in KEEPING_POST
            return Finding("tracking", "broken", message, hint, needed=is_fatal)
        message = f"{shown} answers {error.code} {error.reason}: no MLflow server?"
        return Finding("tracking", "broken", message, "set tracking.uri=http://HOST:5000")
    except (OSError, ValueError, HTTPException) as error:
        reason = first_line(getattr(error, "reason", None) or error)
        hint = "start it, or set tracking.uri=…"
        return Finding("tracking", "broken", f"{shown}: {hidden_password(reason)}", hint)
    own = version("mlflow")
    differs = f" (here: {own})" if served != own else ""
    return ok("tracking", f"{shown}: MLflow {served}{differs}, answers in {milliseconds:.0f} ms")


def _get(url: str) -> str:
    """The body of an answer; the login is MLflow's environment variables, or in the URL."""
    parts = urlsplit(url)
    user, password = (os.environ.get(name, "") for name in LOGIN)
    user, password = parts.username or user, parts.password or password
    host = parts.netloc.rpartition("@")[2]
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    request = Request(bare)
    if token := os.environ.get(TOKEN):
        request.add_header("Authorization", f"Bearer {token}")
    elif user:
        both = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {both}")
    with answer_to(request, timeout_seconds=CONNECT_SECONDS) as answer:
        body: bytes = answer.read(MAX_BODY)
    return body.decode("utf-8", "replace")


def _remedy(url: str, field: str, reason: str) -> str:
    if "locked" in reason:
        return "wait for the program that writes it"
    if sqlite_file(url) is not None:
        return f"move the file away, or set {field}=sqlite:///OTHER.db"
    if url.startswith("postgresql"):
        return f"start the server, or set {field}=…"
    return f"set {field}=sqlite:///FILE.db or {field}=postgresql://USER@HOST/NAME"
