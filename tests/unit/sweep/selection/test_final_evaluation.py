"""The winner is evaluated once, for as long as it wins and MLflow holds what was made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna import Study
from tests.unit.sweep.selection.conftest import SpentSweep
from tests.unit.sweep.selection.finalists import evaluated, plan_that
from tests.unit.sweep.studies import add_trial

from finesweep.config import SweepPlan
from finesweep.errors import FinesweepError
from finesweep.records import Finalist
from finesweep.sweep.selection.final_evaluation import evaluate_winner
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.study.keys import CHECKPOINT, MODEL, N_TRIALS, PARENT_RUN_ID, VALUES
from finesweep.tracking import TrackingStore


def evaluate(demo: SweepPlan, study: Study, store: TrackingStore) -> Finalist | None:
    return evaluate_winner(plan_that(demo), study, read_state(study), store)


@pytest.fixture
def study(spent_sweep: SpentSweep, workplace: Path) -> Study:
    """Won by trial 1, whose weights are gone: it can be evaluated no second time."""
    made = spent_sweep([("a", 0.4)])
    own = {MODEL: "b", VALUES: {"model": "b"}, CHECKPOINT: "gone/slot-0001/attempt-1/model"}
    add_trial(made, value=0.3, **own)
    made.set_user_attr(N_TRIALS, 2)
    return made


def test_a_sweep_in_which_nothing_completed_has_no_winner(
    demo: SweepPlan, spent_sweep: SpentSweep, store: TrackingStore
) -> None:
    assert evaluate(demo, spent_sweep([("a", None)]), store) is None


def test_a_winner_that_was_evaluated_is_shown_on_the_sweeps_run_once(
    demo: SweepPlan, study: Study, store: TrackingStore
) -> None:
    known = evaluated(store, study, 1)
    assert evaluate(demo, study, store) == known
    assert evaluate(demo, study, store) == known
    parent_run_id = study.user_attrs[PARENT_RUN_ID]
    parent = store.client.get_run(parent_run_id).data
    assert parent.tags["finesweep.winner_trial"] == "1"
    assert parent.tags["finesweep.winner_run_id"] == known.run_id
    assert parent.metrics == {"confirmed/mean": 0.25, "confirmed/optimism_gap": -0.125}
    assert len(store.client.get_metric_history(parent_run_id, "confirmed/mean")) == 1


@pytest.mark.parametrize("lost", ["another won", "its run", "its model"])
def test_another_winner_or_one_that_is_lost_is_evaluated_from_its_weights(
    demo: SweepPlan, study: Study, store: TrackingStore, lost: str
) -> None:
    known = evaluated(store, study, 0 if lost == "another won" else 1)
    if lost == "its run":
        store.client.delete_run(known.run_id)
    if lost == "its model":
        store.client.delete_logged_model(known.model_uri.removeprefix("models:/"))
    told = r"^the best trial's weights are gone: gone/slot-0001/attempt-1/model does not exist$"
    with pytest.raises(FinesweepError, match=told):
        evaluate(demo, study, store)
