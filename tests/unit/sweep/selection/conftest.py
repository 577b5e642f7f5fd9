"""A sweep of its own id whose budget is spent, under a parent run in the tests' store."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import optuna
import pytest
from optuna import Study
from optuna.trial import TrialState
from tests.unit.sweep.studies import add_trial

from finesweep.sweep.study.keys import MODEL, N_TRIALS, PARENT_RUN_ID, UID, VALUES

if TYPE_CHECKING:
    from finesweep.tracking import TrackingStore

SpentSweep = Callable[..., Study]


@pytest.fixture
def spent_sweep(store: TrackingStore) -> SpentSweep:
    """Makes a study whose trials ended with these losses, each of a model of this name."""
    from finesweep.tracking import start_run

    def made(losses: list[tuple[str, float | None]], **attributes: Any) -> Study:
        study = optuna.create_study(study_name=f"s-{uuid.uuid4().hex[:8]}")
        parent = start_run(store, name=study.study_name)
        known = {UID: uuid.uuid4().hex, N_TRIALS: len(losses), PARENT_RUN_ID: parent.run_id}
        for name, value in (known | attributes).items():
            study.set_user_attr(name, value)
        for model, loss in losses:
            state = TrialState.PRUNED if loss is None else TrialState.COMPLETE
            add_trial(study, state, loss, **{MODEL: model, VALUES: {"model": model}})
        return study

    return made
