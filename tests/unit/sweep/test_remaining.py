"""A sweep is over when its study is settled and MLflow still holds what it says."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from optuna import Study
from optuna.trial import TrialState
from tests.unit.sweep.conftest import PlanOf
from tests.unit.sweep.studies import add_trial, new_study

from finesweep.sweep.parent_run import open_parent
from finesweep.sweep.remaining import nothing_left
from finesweep.sweep.study.keys import DEFINITION, PARENT_RUN_ID, UID
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.tracking import TrackingStore

pytestmark = pytest.mark.slow

SWEEP = """
n_trials: 2
params: {dataset: tweets, training.learning_rate: "interval(1e-5, 1e-4)"}
"""


@pytest.fixture
def spent() -> Iterator[Study]:
    """A study of two trials that failed: no winner is to be evaluated."""
    study = new_study(name="own", **{UID: uuid.uuid4().hex, DEFINITION: {}})
    for _ in range(2):
        add_trial(study, TrialState.FAIL)
    yield study
    engine_of(study).dispose()


def test_a_slot_that_waits_is_left(plan_of: PlanOf, store: TrackingStore) -> None:
    study, messages = new_study(name="own"), list[str]()
    add_trial(study, TrialState.FAIL)
    assert not nothing_left(plan_of(SWEEP), study, messages.append)
    assert messages == []
    engine_of(study).dispose()


def test_nothing_is_left_of_a_spent_study_whose_run_stands(
    plan_of: PlanOf, store: TrackingStore, spent: Study
) -> None:
    plan, messages = plan_of(SWEEP, f"tracking.uri={store.uri}"), list[str]()
    open_parent(store, spent, plan)
    assert nothing_left(plan, spent, messages.append)
    assert messages == []


def test_a_run_that_mlflow_has_lost_is_left_and_told(
    plan_of: PlanOf, store: TrackingStore, spent: Study
) -> None:
    spent.set_user_attr(PARENT_RUN_ID, "0" * 32)
    messages: list[str] = []
    assert not nothing_left(plan_of(SWEEP, f"tracking.uri={store.uri}"), spent, messages.append)
    assert messages == [
        "missing in MLflow: the sweep's own run; rebuilding from the study and its weights"
    ]


def test_a_store_that_cannot_be_asked_leaves_nothing_to_do(plan_of: PlanOf, spent: Study) -> None:
    messages: list[str] = []
    assert nothing_left(plan_of(SWEEP, "tracking.uri=nope://x"), spent, messages.append)
    assert len(messages) == 1
    assert messages[0].startswith("MLflow was not checked: tracking.uri: cannot open 'nope://x'")
