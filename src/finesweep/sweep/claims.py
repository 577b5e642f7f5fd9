"""What a study says of MLflow, looked up there: stores are deleted, and so is what lies in them."""

from __future__ import annotations

from collections.abc import Iterator

from optuna import Study

from finesweep.records import Finalist
from finesweep.sweep.attributes import PARENT_RUN_ID
from finesweep.sweep.study import known_finalist
from finesweep.tracking import Store, active_run, has_logged_model


def stands(store: Store, finalist: Finalist) -> bool:
    """Whether the finalist's run and model are in the store."""
    has_run = active_run(store, finalist.run_id) is not None
    return has_run and has_logged_model(store, finalist.model_uri)


def lost_runs(study: Study, store: Store) -> Iterator[str]:
    """In words, the runs that a study names and the store does not hold any more."""
    if active_run(store, study.user_attrs.get(PARENT_RUN_ID)) is None:
        yield "the sweep's own run"
    if (finalist := known_finalist(study)) is not None and not stands(store, finalist):
        yield "the winner's run or model"
