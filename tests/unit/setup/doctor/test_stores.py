"""Stores, examined read-only: files, PostgreSQL, servers."""

from __future__ import annotations

import base64
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from tests.postgresql import new_database

from finesweep.config import StorageConfig, TrackingConfig
from finesweep.setup.doctor.revisions import MLFLOW, OPTUNA, known_revisions
from finesweep.setup.doctor.stores import engine_for, storage, tracking
from finesweep.sweep.study.storage import open_storage

pytestmark = pytest.mark.slow


def test_a_storage_that_is_not_there_is_not_made(workplace: Path) -> None:
    found = storage(StorageConfig(url="sqlite:///mlruns/optuna.db"))
    message = "sqlite:///mlruns/optuna.db is not made yet; the first run makes it"
    assert (found.state, found.message) == ("ok", message)
    assert list(workplace.iterdir()) == []


def test_the_tables_that_optuna_makes_fit(workplace: Path) -> None:
    open_storage("sqlite:///optuna.db").engine.dispose()
    before = Path("optuna.db").read_bytes()
    found = storage(StorageConfig(url="sqlite:///optuna.db"))
    assert (found.state, found.hint) == ("ok", "")
    assert found.message.startswith("sqlite:///optuna.db: 0 trials, tables fit; opened in ")
    assert Path("optuna.db").read_bytes() == before


def test_a_file_is_opened_read_only(workplace: Path) -> None:
    sqlite3.connect("s.db").close()
    Path("s.db").touch()
    engine = engine_for("sqlite:///s.db", Path("s.db"))
    with engine.connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("CREATE TABLE t (n INTEGER)"))


def test_the_tables_that_mlflow_makes_fit(store: object) -> None:
    found = tracking(TrackingConfig(uri=store.uri))  # type: ignore[attr-defined]
    assert found.state == "ok"
    assert " tables fit; opened in " in found.message


def test_postgresql_is_opened_and_no_table_is_made_there() -> None:
    with new_database() as url:
        found = storage(StorageConfig(url=url))
        again = storage(StorageConfig(url=url))
    assert found.state == again.state == "ok"
    assert "has no tables yet; the first run makes them; opened in" in again.message


@pytest.mark.parametrize(
    ("revision", "message", "hint"),
    [
        (
            "v1.2.0.a",
            f"sqlite:///s.db: its tables are older than optuna {version('optuna')}",
            "optuna storage upgrade --storage 'sqlite:///s.db'",
        ),
        (
            "v99",
            f"sqlite:///s.db: its tables (v99) are unknown to optuna {version('optuna')}, so a "
            "later one made them",
            "pip install --upgrade optuna",
        ),
    ],
)
def test_other_tables_are_broken(workplace: Path, revision: str, message: str, hint: str) -> None:
    with closing(sqlite3.connect("s.db")) as database:
        database.execute("CREATE TABLE trials (trial_id INTEGER)")
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        database.commit()
    found = storage(StorageConfig(url="sqlite:///s.db"))
    assert (found.state, found.message, found.hint) == ("broken", message, hint)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///bad.db", "sqlite:///bad.db: file is not a database"),
        ("mysql://me:secret@h/x", "mysql://me:***@h/x: mysql is not supported; use SQLite or"),
        ("postgresql://me:secret@127.0.0.1:1/x", "postgresql://me:***@127.0.0.1:1/x: "),
        ("nonsense", "nonsense: Could not parse"),
    ],
)
def test_a_storage_that_cannot_be_opened_says_why(workplace: Path, url: str, message: str) -> None:
    Path("bad.db").write_text("no database " * 20, encoding="utf-8")
    found = storage(StorageConfig(url=url))
    assert found.is_fatal
    assert found.message.startswith(message)
    assert "secret" not in found.message + found.hint
    assert found.hint


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """host:port of a server that lets bob with the password right in, as MLflow's does."""
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    login = "Basic " + base64.b64encode(b"bob:right").decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_in = self.headers["Authorization"] == login
            self.send_response(200 if is_in else 401)
            self.end_headers()
            self.wfile.write(version("mlflow").encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as address:
        yield address


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """host:port of a server on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{served.server_port}"
        served.shutdown()


def test_a_server_that_asks_for_a_login_is_told_apart(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tracking(TrackingConfig(uri=f"http://{server}"))
    assert (found.state, found.message) == ("broken", f"http://{server} asks for a login")
    assert found.hint == "export MLFLOW_TRACKING_USERNAME=… MLFLOW_TRACKING_PASSWORD=…"
    refused = tracking(TrackingConfig(uri=f"http://bob:wrong@{server}"))
    assert refused.message == f"http://bob:***@{server} refuses 'bob'"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "right")
    let_in = tracking(TrackingConfig(uri=f"http://{server}"))
    assert let_in.state == "ok"
    assert let_in.message.startswith(f"http://{server}: MLflow {version('mlflow')}, answers in ")


@pytest.mark.parametrize(("code", "is_fatal"), [(301, True), (308, False)])
def test_a_login_is_not_sent_to_where_a_server_redirects(code: int, is_fatal: bool) -> None:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(code)
            self.send_header("Location", "/new")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as address:
        found = tracking(TrackingConfig(uri=f"http://bob:right@{address}"))
    assert found.message.startswith(f"http://bob:***@{address} answers {code} ")
    assert found.hint == "set tracking.uri to the address to which it redirects"
    assert found.is_fatal is is_fatal  # MLflow repeats a POST as a GET after a 301
    assert "/new" not in seen


def test_no_server_is_broken() -> None:
    found = tracking(TrackingConfig(uri="http://127.0.0.1:1"))
    assert found.is_fatal
    assert "Connection refused" in found.message


def test_the_scripts_of_both_libraries_are_one_chain() -> None:
    for library in (OPTUNA, MLFLOW):
        known, latest = known_revisions(library)
        assert latest in known
        assert len(known) > 5
