"""A sweep from its file to its registered winner in this process, not in several."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient
from optuna import Study

from finesweep.cli.sweeps import work
from finesweep.config import SweepPlan, compose_sweep, preserved_files
from finesweep.config.sweep_plan import as_override
from finesweep.sweep.parent_run import parent_of
from finesweep.sweep.selection.claims import is_finished_sweep, missing_records
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.study.study import open_study
from finesweep.tracking import open_store


@dataclass(frozen=True)
class Sweeping:
    """A user's folder, which must be the current one; its stores are named by absolute paths,
    because MLflow keeps what it has opened by a URL."""

    folder: Path
    name: str = "own"
    """Of its file in sweeps/."""

    @property
    def places(self) -> list[str]:
        mlruns = self.folder / "mlruns"
        named = {
            "tracking.uri": f"sqlite:///{mlruns / 'mlflow.db'}",
            "tracking.artifacts": str(mlruns / "artifacts"),
            "storage.url": f"sqlite:///{mlruns / 'optuna.db'}",
            "storage.checkpoints": str(mlruns / "checkpoints"),
            "storage.cache": str(mlruns / "cache"),
        }
        return [as_override(path, value) for path, value in named.items()]

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.folder / 'mlruns' / 'mlflow.db'}")

    def plan(self, *overrides: str) -> SweepPlan:
        return compose_sweep(self.name, [*self.places, *overrides])

    def sweep(self, *overrides: str) -> tuple[Study, Sequence[str]]:
        """The study once nothing is left to do, and what MLflow had lost of it before."""
        plan = self.plan(*overrides)
        study, gone = open_study(plan), list[str]()
        if is_finished_sweep(read_state(study), plan.settings.register, plan.confirm):
            gone = missing_records(plan, read_state(study), open_store(plan.base.config.tracking))
            if not gone:
                return study, gone
        with parent_of(plan, study), preserved_files(), _attached():
            assert work.run([plan.study_name, *self.places, "--attached"]) == 0
        return study, gone


@contextmanager
def _attached() -> Iterator[None]:
    """Standard input is a coordinator's that stays."""
    reader, writer = os.pipe()
    with (
        os.fdopen(reader) as stdin,
        os.fdopen(writer, "w"),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "stdin", stdin)
        yield
