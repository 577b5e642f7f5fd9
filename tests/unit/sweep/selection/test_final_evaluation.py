"""The winner is evaluated once, for as long as it wins and MLflow holds what was made of it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from optuna import Study
from tests.unit.sweep.selection.conftest import SpentSweep
from tests.unit.sweep.selection.finalists import evaluated, plan_that
from tests.unit.sweep.studies import add_trial

from finesweep.config import ConfirmConfig, SweepPlan
from finesweep.errors import FinesweepError
from finesweep.records import Finalist
from finesweep.sweep.comparisons import Contender, ModelComparison
from finesweep.sweep.selection.claims import evaluated_winner, is_finished
from finesweep.sweep.selection.confirmation import (
    Winner,
    add_seed_slots,
    candidates,
    confirmation_record,
    make_confirmation,
    winner_of,
)
from finesweep.sweep.selection.final_evaluation import evaluate_winner
from finesweep.sweep.selection.state import read_state, seed_runs_of
from finesweep.sweep.study.keys import (
    CHECKPOINT,
    COMPARED,
    COMPARISONS,
    MODEL,
    N_TRIALS,
    PARENT_RUN_ID,
    SLOT,
    VALUES,
)
from finesweep.sweep.study.study import comparisons_in
from finesweep.tracking import TrackingStore

TWICE = ConfirmConfig(top_k=2, seeds=2)


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
    assert parent.metrics == {}


def confirmed(study: Study, *values: tuple[float, float]) -> Winner:
    """The winner after these means of each candidate's two seeds, the search's best first."""
    confirmation = make_confirmation(study)
    chosen = candidates(read_state(study).ranked, TWICE)
    add_seed_slots(confirmation, chosen, n_seeds=2)
    runs = seed_runs_of(confirmation.user_attrs)
    for trial, own in zip(chosen, values, strict=True):
        for seed, value in enumerate(own):
            slot = runs.index((trial, seed))
            if slot not in {each.user_attrs[SLOT] for each in confirmation.trials}:
                add_trial(confirmation, value=value, slot=slot)
    winner = winner_of(read_state(study), TWICE)
    assert winner is not None
    return winner


def test_the_odds_of_a_winner_are_told_again_when_a_rival_came(
    demo: SweepPlan, study: Study, store: TrackingStore
) -> None:
    plan = plan_that(demo, confirm=TWICE)
    first = confirmed(study, (0.30, 0.31), (0.50, 0.51))
    known = evaluated(store, study, 1, uid=first.uid, confirmed=confirmation_record(first))
    assert is_finished(plan, read_state(study))
    for _ in range(2):
        assert evaluate_winner(plan, study, read_state(study), store) == known
    parent_run_id = study.user_attrs[PARENT_RUN_ID]
    told = store.client.get_metric_history(parent_run_id, "confirmed/probability_better")
    assert [each.value for each in told] == [pytest.approx(0.9994, abs=1e-4)]

    add_trial(study, value=0.25, **{MODEL: "b", VALUES: {"model": "c"}})
    study.set_user_attr(N_TRIALS, 3)
    again = confirmed(study, (0.30, 0.312), (0.30, 0.31))
    assert again.uid == first.uid
    assert not is_finished(plan, read_state(study))
    shown = evaluated_winner(read_state(study), plan.confirm)  # by readers, before anything is done
    current = evaluate_winner(plan, study, read_state(study), store)
    assert shown == current == replace(known, confirmed=confirmation_record(again))
    assert read_state(study).finalist == current
    assert is_finished(plan, read_state(study))
    told = store.client.get_metric_history(parent_run_id, "confirmed/probability_better")
    assert [each.value for each in told[1:]] == [pytest.approx(0.55, abs=0.01)]


def test_models_are_compared_again_when_the_best_trial_of_one_is_another(
    demo: SweepPlan, study: Study, store: TrackingStore
) -> None:
    evaluated(store, study, 1)
    a, b = (Contender(model, trial, 1, 2.0, 9) for trial, model in enumerate("ab"))
    pair = ModelComparison(a, b, 20, (0.5, 0.4), 3, 1, 0.6, (0.1, 0.0, 0.2), (0.1, 0.0, 0.2))
    study.set_user_attr(COMPARISONS, [asdict(pair)])  # by a version that did not say of what
    evaluate(demo, study, store)
    assert comparisons_in(study.user_attrs) == [pair]
    assert COMPARED not in study.user_attrs
    add_trial(study, value=0.35, **{MODEL: "a", VALUES: {"model": "a"}})
    evaluate(demo, study, store)
    assert (study.user_attrs[COMPARED], study.user_attrs[COMPARISONS]) == ([1, 2], [])


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
