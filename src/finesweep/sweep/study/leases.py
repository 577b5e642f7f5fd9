"""Worker leases: one row per worker next to Optuna's tables, renewed while it makes progress.

Optuna's heartbeats are checked only inside optimize(), miss a trial killed before its first beat,
and continue while training hangs; hence our own leases. All times come from the database's clock.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
from sqlalchemy import Column, Engine, Float, Integer, MetaData, String, Table, text
from sqlalchemy.exc import SQLAlchemyError

METADATA = MetaData()
WORKERS = Table(
    "finesweep_workers",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("study", String(512), index=True, nullable=False),
    Column("host", String(255), nullable=False),
    Column("machine", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", Float, nullable=False),
    Column("beat", Float, nullable=False),
    Column("trial", Integer),
    Column("slot", Integer),
    Column("step", Integer),
    Column("total", Integer),
)
NOW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch from clock_timestamp())",
}
"""SQL for seconds since 1970 by the database's clock: the clocks of two machines differ."""
BEATS_PER_LEASE = 8
MAX_BEAT_SECONDS = 5.0
"""Longest pause between two beats, which also publish a trial's progress for the screen."""
CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that goes on while the machine is suspended: on Linux the monotonic one stops."""


@dataclass(frozen=True)
class WorkerRow:
    """One worker as other workers see it."""

    id: str
    study: str
    """Name of the study whose slots it works on: the search's, or its confirmation's."""
    host: str
    machine: str
    pid: int
    born: float
    """Start time of the process by its machine's clock; distinguishes it from a later process with
    the same pid."""
    beat_age_seconds: float
    trial: int | None
    slot: int | None
    step: int | None
    """Training examples seen."""
    total: int | None


def make_table(engine: Engine) -> None:
    METADATA.create_all(engine)


def workers_of(engine: Engine, study: str) -> list[WorkerRow]:
    """Every worker that joined and has not left, including dead ones."""
    columns = [column for column in WORKERS.c if column.name != "beat"]
    names = ", ".join(column.name for column in columns)
    age = f"{_now(engine)} - beat AS beat_age_seconds"
    with engine.begin() as connection:
        query = f"SELECT {names}, {age} FROM finesweep_workers WHERE study = :s"
        rows = connection.execute(text(query), {"s": study}).mappings().all()
    return [
        WorkerRow(**{**row, "beat_age_seconds": float(row["beat_age_seconds"])}) for row in rows
    ]


def is_live(worker: WorkerRow, *, lease_seconds: float) -> bool:
    """Whether it may still be working: its heartbeat is recent and, on its own machine, its process
    runs."""
    if worker.beat_age_seconds > lease_seconds:
        return False
    return worker.machine != this_machine() or _is_running(worker.pid, worker.born)


def database_seconds(engine: Engine) -> float:
    """Seconds since 1970 by the database's clock."""
    with engine.begin() as connection:
        return float(connection.execute(text(f"SELECT {_now(engine)}")).scalar_one())


def forget(engine: Engine, ids: list[str]) -> None:
    """Deletes the rows of these workers."""
    with engine.begin() as connection:
        for each in ids:
            connection.execute(WORKERS.delete().where(WORKERS.c.id == each))


def forget_study(engine: Engine, study: str) -> None:
    with engine.begin() as connection:
        connection.execute(WORKERS.delete().where(WORKERS.c.study == study))


class Lease:
    """This process's row: inserted by the constructor, renewed by a thread, deleted by leave().

    When a trial makes no progress for hang_seconds, the thread calls on_hang and ends.
    """

    def __init__(
        self,
        engine: Engine,
        study: str,
        *,
        lease_seconds: float,
        hang_seconds: float,
        on_hang: Callable[[], None],
    ) -> None:
        self.id = uuid.uuid4().hex
        self.engine, self.study = engine, study
        self.hang_seconds, self.on_hang = hang_seconds, on_hang
        self.lease_seconds = lease_seconds
        self.period = min(MAX_BEAT_SECONDS, lease_seconds / BEATS_PER_LEASE)
        self._progress: dict[str, int | None] = dict.fromkeys(("trial", "slot", "step", "total"))
        self._progress_at, self._beat_at = time.monotonic(), time.clock_gettime(CLOCK)
        self._steady_from = 0.0
        self._is_leaving, self._beat_now = threading.Event(), threading.Event()
        self.beat()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def hold(self, *, trial: int, slot: int) -> None:
        """Publishes the trial before it is claimed: no trial ever runs without a lease."""
        self._progress = {"trial": trial, "slot": slot, "step": 0, "total": None}
        self.touch()
        self.beat()

    def switch_study(self, study: str) -> None:
        """Moves the lease to another study; in the previous one this worker no longer counts."""
        self.study = study
        self.release()

    def release(self) -> None:
        """Publishes that this worker holds no trial."""
        self._progress = dict.fromkeys(self._progress)
        with suppress(SQLAlchemyError):  # the next beat publishes it
            self.beat()

    def touch(self, step: int | None = None, total: int | None = None) -> None:
        """Records progress of any kind: until hang_seconds from now the lease is renewed."""
        self._progress_at = time.monotonic()
        if step is not None:
            self._progress = {**self._progress, "step": step, "total": total}

    def publish(self) -> None:
        """Has the thread beat at once, so that others see the progress."""
        self._beat_now.set()

    @property
    def is_steady(self) -> bool:
        """Whether its own heartbeat has had no gap; only then may it declare other workers dead.

        After a database outage, or a suspension of the machine, longer than a lease, every
        heartbeat is too old.
        """
        now = time.clock_gettime(CLOCK)
        return now >= self._steady_from and now - self._beat_at < self.lease_seconds / 2

    def beat(self) -> None:
        """Writes the row, with the database's time; SQLAlchemyError when that fails."""
        values = {
            "id": self.id, "study": self.study, "host": socket.gethostname(),
            "machine": this_machine(), "pid": psutil.Process().pid, "born": _born(),
            **self._progress,
        }  # fmt: skip
        names = [*values, "beat"]
        parameters = [*(f":{name}" for name in values), _now(self.engine)]
        updates = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
        statement = (
            f"INSERT INTO finesweep_workers ({', '.join(names)}) VALUES ({', '.join(parameters)}) "
            f"ON CONFLICT (id) DO UPDATE SET {updates}"
        )
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)
        now = time.clock_gettime(CLOCK)
        if now - self._beat_at >= self.lease_seconds / 2:
            self._steady_from = now + 2 * self.period  # by then the others have beaten too
        self._beat_at = now

    def leave(self) -> None:
        """Ends the thread and deletes the row."""
        self._is_leaving.set()
        self._beat_now.set()
        self._thread.join()
        forget(self.engine, [self.id])

    def _renew(self) -> None:
        while not self._is_leaving.is_set():
            self._beat_now.wait(self.period)
            self._beat_now.clear()
            if self._is_leaving.is_set():
                return
            if (
                self._progress["trial"] is not None
                and time.monotonic() - self._progress_at > self.hang_seconds
            ):
                self.on_hang()
                return
            try:
                self.beat()
            except SQLAlchemyError:
                continue  # the next beat tries again; a lease survives seven failed ones


@cache
def this_machine() -> str:
    """An id of this machine, or of this container where it has its own process ids."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if boot.exists() and namespace.exists():
        return f"{boot.read_text().strip()}/{namespace.stat().st_ino}"
    return f"{socket.gethostname()}/{uuid.getnode()}"


def _is_running(pid: int, born: float) -> bool:
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - born) < 1
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@cache
def _born() -> float:
    return psutil.Process().create_time()


def _now(engine: Engine) -> str:
    return NOW[engine.dialect.name]
