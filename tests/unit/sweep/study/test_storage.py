"""Any number of processes share one study: each trial has one claimant, an outage is waited out."""

from __future__ import annotations

import json
import select
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage
from sqlalchemy import event, text
from tests.postgresql import admit, cut_off
from tests.unit.sweep.conftest import Opened, Start

from finesweep.errors import ConfigError
from finesweep.locks import exclusive
from finesweep.sweep.study.keys import SLOT
from finesweep.sweep.study.slots import claim
from finesweep.sweep.study.storage import OnWait, open_storage, retry_while_away

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
N_CLAIMANTS, N_WAITING = 8, 20
CLAIMANTS = """
import json, multiprocessing, sys
import optuna
from finesweep.sweep.study import storage
from finesweep.sweep.study.slots import claim

url, n, n_slots, hooked = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "hooked"
if not hooked:
    storage.begin_immediately = lambda engine: None
# Here and not in each process: imports, and the look whether the tables fit.
opened = storage.open_storage(url)
opened.remove_session()
opened.engine.dispose()
context = multiprocessing.get_context("fork")  # while no connection is open
barrier, answers = context.Barrier(n), context.SimpleQueue()

def claimant():
    study = optuna.load_study(study_name="s", storage=storage.open_storage(url))
    claimed, asked = [], 0
    barrier.wait(60)
    while asked < 2 * n_slots:
        asked += 1
        try:
            if (trial := claim(study, n_slots)) is None:
                break
            claimed.append(trial.number)
        except Exception:
            if hooked:
                raise
    answers.put(claimed)

processes = [context.Process(target=claimant) for _ in range(n)]
for process in processes:
    process.start()
print(json.dumps([answers.get() for _ in processes]), flush=True)
"""
OPENERS = """
import multiprocessing, sys
from finesweep.sweep.study.storage import open_storage

open_storage(f"sqlite:///{sys.argv[2]}/another.db").engine.dispose()  # what it imports
context = multiprocessing.get_context("fork")
barrier = context.Barrier(4)

def opener():
    barrier.wait(60)
    open_storage(sys.argv[1]).create_new_study([])

processes = [context.Process(target=opener) for _ in range(4)]
for process in processes:
    process.start()
for process in processes:
    process.join()
print([process.exitcode for process in processes], flush=True)
"""
HOLDER = """
import sys, time
from finesweep.locks import exclusive
with exclusive(sys.argv[1], sys.argv[2]):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


def raced(start: Start, storage: BaseStorage, url: str, *, hook: str = "hooked") -> list[int]:
    """How often each of the waiting trials was claimed, by processes that began at once."""
    study = optuna.create_study(study_name="s", storage=storage)
    for slot in range(N_WAITING):
        study.enqueue_trial({}, user_attrs={SLOT: slot})
    race = start(CLAIMANTS, url, N_CLAIMANTS, N_WAITING, hook)
    claimed = Counter(n for numbers in json.loads(line_of(race, 120)) for n in numbers)
    optuna.delete_study(study_name="s", storage=storage)
    return [claimed[number] for number in range(N_WAITING)]


def line_of(process: subprocess.Popen[str], timeout_seconds: float) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], timeout_seconds)[0], "no answer in time"
    return process.stdout.readline()


@contextmanager
def locked(url: str) -> Iterator[sqlite3.Connection]:
    """A SQLite database in which another connection is writing."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'optuna.db'}"


@pytest.mark.slow
def test_eight_processes_claim_each_of_twenty_trials_once(
    start: Start, opened: Opened, storage_url: str
) -> None:
    assert raced(start, opened(storage_url), storage_url) == [1] * N_WAITING


@pytest.mark.slow
def test_without_the_hook_two_processes_claim_one_trial_in_sqlite(
    start: Start, opened: Opened, sqlite_url: str
) -> None:
    storage = opened(sqlite_url)
    rounds = (raced(start, storage, sqlite_url, hook="unhooked") for _ in range(10))
    assert any(max(claimed) > 1 for claimed in rounds)


@pytest.mark.slow
def test_processes_that_open_an_empty_database_at_once_all_succeed(
    start: Start, storage_url: str, tmp_path: Path
) -> None:
    assert line_of(start(OPENERS, storage_url, tmp_path), 60) == "[0, 0, 0, 0]\n"


def test_of_a_slot_enqueued_twice_only_the_first_trial_is_claimed(
    opened: Opened, storage_url: str
) -> None:
    study = optuna.create_study(storage=opened(storage_url))
    for slot in (0, 0, 1):
        study.enqueue_trial({}, user_attrs={SLOT: slot})
    claimed = [claim(study, 2) for _ in range(3)]
    assert [trial and trial.number for trial in claimed] == [0, 2, None]
    assert [trial.state.name for trial in study.trials] == ["RUNNING", "WAITING", "RUNNING"]


def test_a_lock_is_not_had_while_another_process_holds_it(
    start: Start, opened: Opened, storage_url: str
) -> None:
    storage = opened(storage_url)
    holder = start(HOLDER, storage_url, "ours", 600)
    assert line_of(holder, 30) == "held\n"
    with exclusive(storage.engine, "ours", wait=False) as held:
        assert held is False
    with exclusive(storage.engine, "another", wait=False) as held:
        assert held is True
    holder.kill()
    holder.wait()
    with exclusive(storage.engine, "ours") as held:
        assert held is True


def test_a_second_process_waits_for_the_lock(
    start: Start, opened: Opened, storage_url: str
) -> None:
    with exclusive(opened(storage_url).engine, "ours"):
        second = start(HOLDER, storage_url, "ours", 0)
        assert second.stdout is not None
        assert select.select([second.stdout], [], [], 2)[0] == []
    assert line_of(second, 30) == "held\n"


def test_a_lock_is_free_again_after_its_block_even_when_that_raises(
    opened: Opened, storage_url: str
) -> None:
    first, second = opened(storage_url), opened(storage_url)
    with pytest.raises(ValueError, match="within"), exclusive(first.engine, "ours"):
        raise ValueError("within")
    with exclusive(second.engine, "ours", wait=False) as held:
        assert held is True


def test_sqlite_writes_ahead_and_waits_for_the_disk(opened: Opened, sqlite_url: str) -> None:
    with opened(sqlite_url).engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL


def test_other_databases_are_refused_with_those_that_are_not() -> None:
    expected = (
        r"^storage\.url: cannot open 'mysql://bob:\*\*\*@db/x': "
        r"mysql is not supported; use SQLite or PostgreSQL$"
    )
    with pytest.raises(ConfigError, match=expected):
        open_storage("mysql://bob:secret@db/x")


def test_a_password_is_not_shown_when_the_server_does_not_answer() -> None:
    expected = r"cannot open 'postgresql://bob:\*\*\*@127\.0\.0\.1:1/x': .*[Cc]onnection refused"
    with pytest.raises(ConfigError, match=expected) as caught:
        open_storage("postgresql://bob:secret@127.0.0.1:1/x")
    assert "secret" not in str(caught.value)


def test_a_call_waits_while_sqlite_is_locked_and_says_why(
    opened: Opened, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finesweep.sweep.study.storage.BUSY_SECONDS", 0.05)
    opened(sqlite_url)
    reasons: list[str] = []

    def waiting(why: str) -> None:
        reasons.append(why)
        if len(reasons) == 2:
            other.execute("ROLLBACK")

    patient = opened(sqlite_url, on_wait=waiting)
    with locked(sqlite_url) as other:
        optuna.create_study(study_name="s", storage=patient)
    assert reasons == ["(sqlite3.OperationalError) database is locked"] * 2
    assert optuna.get_all_study_names(patient) == ["s"]


def test_a_call_waits_while_the_folder_of_sqlite_is_away(opened: Opened, tmp_path: Path) -> None:
    folder, away = tmp_path / "mounted", tmp_path / "away"
    reasons: list[str] = []

    def waiting(why: str) -> None:
        reasons.append(why)
        away.rename(folder)

    patient = opened(f"sqlite:///{folder / 'optuna.db'}", on_wait=waiting)
    patient.remove_session()
    patient.engine.dispose()
    folder.rename(away)
    optuna.create_study(study_name="s", storage=patient)
    assert reasons == ["(sqlite3.OperationalError) unable to open database file"]


def admitting(url: str) -> tuple[list[str], OnWait]:
    """The reasons for waiting, and what takes them down and lets connections in again."""
    reasons: list[str] = []

    def waiting(why: str) -> None:
        reasons.append(why)
        admit(url)

    return reasons, waiting


def test_a_call_waits_while_postgresql_refuses_connections(
    opened: Opened, postgresql_url: str
) -> None:
    reasons, waiting = admitting(postgresql_url)
    patient = opened(postgresql_url, on_wait=waiting)
    cut_off(postgresql_url)
    assert patient.get_all_studies() == []
    assert reasons
    assert all("OperationalError" in why or "AdminShutdown" in why for why in reasons)


def test_opening_a_database_that_is_away_is_an_outage_that_may_be_waited_for(
    opened: Opened, postgresql_url: str
) -> None:
    reasons, waiting = admitting(postgresql_url)
    cut_off(postgresql_url)
    with pytest.raises(ConfigError, match=r"^storage\.url: cannot open 'postgresql"):
        retry_while_away(lambda: opened(postgresql_url), waiting, max_seconds=0)
    assert reasons == []
    storage = retry_while_away(lambda: opened(postgresql_url), waiting)
    assert "not currently accepting connections" in reasons[0]
    assert storage.get_all_studies() == []


def test_a_connection_that_is_lost_in_the_middle_of_reading_trials_is_waited_for(
    opened: Opened, postgresql_url: str
) -> None:
    optuna.create_study(storage=opened(postgresql_url), study_name="s").ask()
    reasons: list[str] = []
    patient = opened(postgresql_url, on_wait=reasons.append)

    def lose(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not reasons and "FROM trials" in statement and "ORDER BY" in statement:
            cut_off(postgresql_url)
            admit(postgresql_url)

    event.listen(patient.engine, "before_cursor_execute", lose)
    study = optuna.load_study(study_name="s", storage=patient)
    assert [trial.number for trial in study.trials] == [0]
    assert ["rolled back" in reason for reason in reasons] == [True]


def test_what_on_wait_raises_ends_the_waiting(
    opened: Opened, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finesweep.sweep.study.storage.BUSY_SECONDS", 0.05)

    def leave(why: str) -> None:
        raise KeyboardInterrupt(why)

    patient = opened(sqlite_url, on_wait=leave)
    with locked(sqlite_url), pytest.raises(KeyboardInterrupt, match="database is locked"):
        optuna.create_study(storage=patient)


def test_a_mistake_is_not_waited_out(opened: Opened, sqlite_url: str) -> None:
    patient = opened(sqlite_url, on_wait=lambda why: pytest.fail(why))
    with pytest.raises(KeyError, match="Record does not exist"):
        patient.get_trial(99)
