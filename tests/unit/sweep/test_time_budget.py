"""No trial is begun that cannot be expected to end within the sweep's time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from optuna import Study
from optuna.trial import FrozenTrial, TrialState
from tests.unit.sweep.conftest import PlanOf
from tests.unit.sweep.studies import add_trial, new_study

from finesweep.config import SweepPlan
from finesweep.sweep.study.keys import ATTEMPT, FAILURE, N_TRIALS, RETRY, SLOT, TIME_BUDGET, VALUES
from finesweep.sweep.study.leases import database_seconds
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.slots import DUPLICATE
from finesweep.sweep.time_budget import (
    TimeBudget,
    begin_budget,
    can_end,
    claimable_slots,
    confirmation_seconds,
    expected_seconds,
    n_begun,
    time_budget_in,
)

SWEEP = """
n_trials: null
timeout_minutes: 10
enqueue: [{model: minilm, training.epochs: 2}]
params: {dataset: tweets, model: "choice(minilm, distil_minilm)", training.epochs: "range(1, 4)"}
"""
BERT = {"model": "bert", "dataset.max_length": 64, "model.freeze_layers": 0}


def finished(
    seconds: float,
    state: TrialState = TrialState.COMPLETE,
    *,
    slot: int = 0,
    attempt: int = 1,
    values: dict[str, Any] | None = None,
) -> FrozenTrial:
    start = datetime(2026, 1, 1)
    return FrozenTrial(
        number=slot,
        state=state,
        value=0.5,
        datetime_start=start,
        datetime_complete=start + timedelta(seconds=seconds),
        params={},
        distributions={},
        user_attrs={SLOT: slot, ATTEMPT: attempt, VALUES: values or {}},
        system_attrs={},
        intermediate_values={},
        trial_id=slot,
    )


@pytest.mark.parametrize(
    ("trials", "seconds_left", "values", "can"),
    [
        # Nothing is known yet.
        ([], 1.0, {}, True),
        ([], 0.0, {}, False),
        ([finished(99, TrialState.FAIL)], 1.0, {}, True),
        # Unknown settings: three of four finished trials took no longer.
        ([finished(s) for s in (10, 20, 30, 40, 50)], 40.0, {}, True),
        ([finished(s) for s in (10, 20, 30, 40, 50)], 39.9, {}, False),
        ([finished(10, TrialState.PRUNED), finished(50)], 40.0, {}, True),
        ([finished(5, attempt=2), finished(50)], 40.0, {}, False),
        # Known settings: as long as trials of the same model, length and depth, by epoch.
        ([finished(9, values=BERT), *[finished(50)] * 9], 9.0, BERT, True),
        ([finished(9, values=BERT), *[finished(50)] * 9], 8.9, BERT, False),
        ([finished(9, values=BERT), finished(50)], 9.0, {"model": "bert"}, True),
        ([finished(9, values=BERT), *[finished(50)] * 9], 9.0, {**BERT, "model": "tiny"}, False),
        ([finished(1, TrialState.PRUNED, values=BERT), finished(50)], 9.0, BERT, False),
        (
            [finished(10, values={**BERT, "training.epochs": 1})],
            29.0,
            {**BERT, "training.epochs": 3},
            False,
        ),
        (
            [finished(30, values={**BERT, "training.epochs": 3})],
            20.0,
            {**BERT, "training.epochs": 2},
            True,
        ),
    ],
)
def test_a_trial_begins_when_it_can_be_expected_to_end(
    trials: list[FrozenTrial], seconds_left: float, values: dict[str, Any], can: bool
) -> None:
    assert can_end(trials, seconds_left, values) is can


def test_recipes_without_any_setting_that_costs_time_are_compared_with_all() -> None:
    trials = [finished(9, values=BERT), finished(50)]
    assert expected_seconds(trials, {"training.weight_decay": 0.1}) == expected_seconds(trials, {})


def test_the_confirmation_takes_each_of_the_best_once_per_seed_over_all_workers() -> None:
    best = [finished(30), finished(10)]
    assert confirmation_seconds(best, 3, n_workers=2) == 60.0
    assert confirmation_seconds([], 3, n_workers=2) == 0.0


@pytest.fixture
def study() -> Iterator[Study]:
    made = new_study(name="own", n_trials=0)
    yield made
    engine_of(made).dispose()


def began(study: Study) -> None:
    """One more slot has a running trial."""
    slot = n_begun(study.trials)
    study.enqueue_trial({}, user_attrs={SLOT: slot, ATTEMPT: 1})
    study.ask()


def command(study: Study, plan: SweepPlan) -> None:
    for name, value in begin_budget(study, plan).items():
        study.set_user_attr(name, value)


def budget_of(study: Study) -> TimeBudget:
    budget = time_budget_in(study.user_attrs)
    assert budget is not None
    return budget


def leave(study: Study, seconds: float) -> None:
    """As if the budget had so many seconds left."""
    ends_at = database_seconds(engine_of(study)) + seconds
    study.set_user_attr(TIME_BUDGET, {**asdict(budget_of(study)), "ends_at": ends_at})


def test_waiting_and_duplicate_trials_have_not_begun_their_slot(study: Study) -> None:
    assert n_begun(study.trials) == 0
    add_trial(study, value=0.5)
    add_trial(study, TrialState.WAITING)
    add_trial(study, TrialState.FAIL, **{FAILURE: DUPLICATE, RETRY: True})
    assert n_begun(study.trials) == 1
    add_trial(study, TrialState.FAIL, slot=4, **{RETRY: True})
    assert n_begun(study.trials) == 5


def test_a_sweep_by_time_has_free_slots_for_its_workers_until_its_time_is_over(
    study: Study, plan_of: PlanOf
) -> None:
    plan = plan_of(SWEEP, "workers=2")
    command(study, plan)
    assert study.user_attrs[N_TRIALS] == 2
    assert budget_of(study).ends_at is None  # before its first worker
    assert claimable_slots(study, plan, [], is_attached=False) == 2
    left = (budget_of(study).ends_at or 0.0) - database_seconds(engine_of(study))
    assert 590 < left <= 600
    began(study)
    assert claimable_slots(study, plan, [], is_attached=False) == 3 == study.user_attrs[N_TRIALS]
    leave(study, -1)
    assert claimable_slots(study, plan, [], is_attached=False) == 1 == study.user_attrs[N_TRIALS]
    assert budget_of(study).is_open is False


def test_a_settled_number_stays_until_the_next_command(study: Study, plan_of: PlanOf) -> None:
    plan = plan_of(SWEEP)
    command(study, plan)
    began(study)
    claimable_slots(study, plan, [], is_attached=True)
    leave(study, -1)
    claimable_slots(study, plan, [], is_attached=True)
    leave(study, 500)
    assert claimable_slots(study, plan, [], is_attached=True) == 1
    began(study)  # by a worker that had looked just before
    assert claimable_slots(study, plan, [], is_attached=True) == 2 == study.user_attrs[N_TRIALS]
    command(study, plan)
    assert budget_of(study).is_open is True
    assert claimable_slots(study, plan, [], is_attached=True) == 3


def test_time_is_kept_for_the_confirmation_but_at_most_half(study: Study, plan_of: PlanOf) -> None:
    confirmed = plan_of(SWEEP, "sweep.confirm={top_k: 1, seeds: 2}")
    command(study, confirmed)
    claimable_slots(study, confirmed, [], is_attached=True)
    study.add_trial(finished(100))
    leave(study, 299)
    assert claimable_slots(study, confirmed, [], is_attached=True) == 1
    assert budget_of(study).reserved_seconds == 200.0
    command(study, confirmed)
    claimable_slots(study, confirmed, [], is_attached=True)
    leave(study, 301)
    assert claimable_slots(study, confirmed, [], is_attached=True) == 2
    longer = plan_of(SWEEP, "sweep.confirm={top_k: 1, seeds: 9}")
    leave(study, 399)
    claimable_slots(study, longer, [], is_attached=True)
    assert budget_of(study).reserved_seconds == 300.0


def test_the_time_of_a_sweep_by_number_binds_its_own_workers_and_keeps_its_slots(
    study: Study, plan_of: PlanOf
) -> None:
    plan = plan_of(SWEEP, "sweep.n_trials=7")
    command(study, plan)
    study.add_trial(finished(100))
    assert claimable_slots(study, plan, [], is_attached=True) == 7
    leave(study, 99)
    assert claimable_slots(study, plan, [], is_attached=True) == 1
    assert claimable_slots(study, plan, [], is_attached=False) == 7 == study.user_attrs[N_TRIALS]


def test_a_trial_whose_settings_are_known_may_fit_where_another_does_not(
    study: Study, plan_of: PlanOf
) -> None:
    plan = plan_of(SWEEP, "sweep.n_trials=7")
    command(study, plan)
    study.add_trial(finished(100))
    study.add_trial(finished(20, slot=1, values={**BERT, "training.epochs": 2}))
    leave(study, 30)
    known = {"model": "bert", "training.epochs": 1}
    for first, n_slots in (([], 2), ([{}, {}, known], 7), ([{}, known], 2)):
        assert claimable_slots(study, plan, first, is_attached=True) == n_slots


def test_without_a_limit_on_the_time_every_slot_may_be_claimed(
    study: Study, plan_of: PlanOf
) -> None:
    plan = plan_of(SWEEP, "sweep.n_trials=7", "sweep.timeout_minutes=null")
    command(study, plan)
    assert time_budget_in(study.user_attrs) is None
    assert claimable_slots(study, plan, [], is_attached=True) == 7
