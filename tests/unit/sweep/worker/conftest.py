"""A worker that has joined a study: its lease and its outboxes, and what it said and delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from optuna import Study
from tests.unit.sweep.studies import new_study

from finesweep.config import SweepPlan
from finesweep.sweep.signals import Interruption
from finesweep.sweep.study.leases import Lease, WorkerRow, workers_of
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.worker.callbacks import WorkerCallbacks
from finesweep.sweep.worker.run_delivery import outboxes_of


@dataclass
class Deliveries:
    """Keeps what a thread would deliver."""

    folders: list[Path] = field(default_factory=list)
    jobs: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    n_waits: int = 0
    """Before all is delivered."""

    def add(self, folder: Path) -> None:
        self.folders.append(folder)

    def call(self, job: Callable[[Any], None], *, key: str) -> None:
        self.jobs[key] = job

    def wait(self, timeout_seconds: float) -> bool:
        self.n_waits -= 1
        return self.n_waits <= 0


@dataclass
class JoinedWorker:
    """A worker of the packaged sweep `demo`, whose study has as many slots as it says."""

    plan: SweepPlan
    study: Study
    callbacks: WorkerCallbacks
    said: list[str]
    deliveries: Deliveries

    @property
    def row(self) -> WorkerRow:
        """Its lease, as the others see it."""
        (row,) = workers_of(engine_of(self.study), self.study.study_name)
        return row

    @property
    def interruption(self) -> Interruption:
        return self.callbacks.interruption


@pytest.fixture
def joined_worker(demo: SweepPlan, workplace: Path) -> Iterator[JoinedWorker]:
    """A worker of two slots in an empty folder."""
    patience = {"max_failures_in_a_row": 3, "max_attempts_without_progress": 2}
    plan = replace(demo, settings=replace(demo.settings, **patience))
    study, said, deliveries = new_study(), list[str](), Deliveries()
    lease = Lease(engine_of(study), "demo", lease_seconds=60, hang_seconds=60, on_hang=lambda: None)
    callbacks = WorkerCallbacks(
        lease,
        Interruption(),
        deliveries,  # type: ignore[arg-type]
        outboxes=outboxes_of(plan),
        say=said.append,
    )
    yield JoinedWorker(plan, study, callbacks, said, deliveries)
    lease.leave()
    engine_of(study).dispose()
