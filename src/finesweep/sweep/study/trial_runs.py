"""The MLflow runs of a study's trials, found by the study's own id."""

from __future__ import annotations

from optuna import Study
from optuna.trial import FrozenTrial

from finesweep.sweep.study.keys import UID
from finesweep.tracking import Run, Store, find_runs


def run_of(store: Store, study: Study, trial: FrozenTrial) -> Run | None:
    """The trial's MLflow run; None while it has not been delivered."""
    found = find_runs(store, {"finesweep.uid": f"{study.user_attrs[UID]}/{trial.number}"})
    return found[0] if found else None
