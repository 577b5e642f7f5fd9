"""Who is working: one row per worker beside Optuna's tables, kept fresh while it makes progress.

Optuna's own heartbeats are reaped only inside optimize(), miss a trial killed before its first
beat, and go on while training hangs; hence a lease of our own. All times are the database's.
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
"""Seconds since 1970 by the database's clock: those of two machines differ."""
BEATS_PER_LEASE = 8
MAX_BEAT_SECONDS = 15.0


@dataclass(frozen=True)
class WorkerRow:
    """One worker as the others see it."""

    id: str
    host: str
    machine: str
    pid: int
    born: float
    """Start of the process in its machine's clock, which tells it from a later one of its pid."""
    beat_age_seconds: float
    trial: int | None
    slot: int | None
    step: int | None
    """Training examples seen."""
    total: int | None


def make_table(engine: Engine) -> None:
    METADATA.create_all(engine)


def workers_of(engine: Engine, study: str) -> list[WorkerRow]:
    """Every worker that joined and has not left, dead ones among them."""
    columns = [column for column in WORKERS.c if column.name not in ("study", "beat")]
    names = ", ".join(column.name for column in columns)
    age = f"{_now(engine)} - beat AS beat_age_seconds"
    with engine.begin() as connection:
        query = f"SELECT {names}, {age} FROM finesweep_workers WHERE study = :s"
        rows = connection.execute(text(query), {"s": study}).mappings().all()
    return [
        WorkerRow(**{**row, "beat_age_seconds": float(row["beat_age_seconds"])}) for row in rows
    ]


def is_live(worker: WorkerRow, *, lease_seconds: float) -> bool:
    """Whether it may still be working: its beat is fresh and, seen from its machine, it runs."""
    if worker.beat_age_seconds > lease_seconds:
        return False
    return worker.machine != this_machine() or _runs(worker.pid, worker.born)


def forget(engine: Engine, ids: list[str]) -> None:
    """Removes the rows of workers that are known to be dead."""
    with engine.begin() as connection:
        for each in ids:
            connection.execute(WORKERS.delete().where(WORKERS.c.id == each))


def forget_study(engine: Engine, study: str) -> None:
    with engine.begin() as connection:
        connection.execute(WORKERS.delete().where(WORKERS.c.study == study))


class Lease:
    """This process's row: joined when made, beaten by a thread, gone after leave().

    The thread stops beating when nothing has moved for hang_seconds while a trial is held, and
    calls on_hang.
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
        self._held: dict[str, int | None] = dict.fromkeys(("trial", "slot", "step", "total"))
        self._moved = self._beaten = time.monotonic()
        self._steady_from = 0.0
        self._left, self._soon = threading.Event(), threading.Event()
        self.beat()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def hold(self, *, trial: int, slot: int) -> None:
        """Announces the trial before it is claimed: no trial runs without a lease, ever."""
        self._held = {"trial": trial, "slot": slot, "step": 0, "total": None}
        self.touch()
        self.beat()

    def switch_study(self, study: str) -> None:
        """From now on it works for this study; to the one before it has left."""
        self.study = study
        self.release()

    def release(self) -> None:
        self._held = dict.fromkeys(self._held)
        with suppress(SQLAlchemyError):  # the next beat tells
            self.beat()

    def touch(self, step: int | None = None, total: int | None = None) -> None:
        """Progress of any kind: the lease is worth renewing."""
        self._moved = time.monotonic()
        if step is not None:
            self._held = {**self._held, "step": step, "total": total}

    def publish(self) -> None:
        """Beats soon, so that others see the progress now."""
        self._soon.set()

    @property
    def is_steady(self) -> bool:
        """Whether it has beaten without a gap: only then may it call others' beats too old.

        After the database was away for longer than a lease, everyone's are.
        """
        now = time.monotonic()
        return now >= self._steady_from and now - self._beaten < self.lease_seconds / 2

    def beat(self) -> None:
        values = {
            "id": self.id, "study": self.study, "host": socket.gethostname(),
            "machine": this_machine(), "pid": psutil.Process().pid, "born": _born(), **self._held,
        }  # fmt: skip
        names = [*values, "beat"]
        marks = [*(f":{name}" for name in values), _now(self.engine)]
        changed = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
        statement = (
            f"INSERT INTO finesweep_workers ({', '.join(names)}) VALUES ({', '.join(marks)}) "
            f"ON CONFLICT (id) DO UPDATE SET {changed}"
        )
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)
        now = time.monotonic()
        if now - self._beaten >= self.lease_seconds / 2:
            self._steady_from = now + 2 * self.period  # until then the others have beaten too
        self._beaten = now

    def leave(self) -> None:
        self._left.set()
        self._soon.set()
        self._thread.join()
        forget(self.engine, [self.id])

    def _keep(self) -> None:
        while not self._left.is_set():
            self._soon.wait(self.period)
            self._soon.clear()
            if self._left.is_set():
                return
            if (
                self._held["trial"] is not None
                and time.monotonic() - self._moved > self.hang_seconds
            ):
                self.on_hang()
                return
            try:
                self.beat()
            except SQLAlchemyError:
                continue  # the next beat tries again; a lease outlives seven lost ones


@cache
def this_machine() -> str:
    """Tells machines, and containers with their own process ids, from each other."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if boot.exists() and namespace.exists():
        return f"{boot.read_text().strip()}/{namespace.stat().st_ino}"
    return f"{socket.gethostname()}/{uuid.getnode()}"


def _runs(pid: int, born: float) -> bool:
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - born) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@cache
def _born() -> float:
    return psutil.Process().create_time()


def _now(engine: Engine) -> str:
    return NOW[engine.dialect.name]
