"""Successive halving and Hyperband decide as Optuna's do, and the same after a kill."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.pruners import BasePruner, HyperbandPruner, SuccessiveHalvingPruner
from optuna.trial import TrialState, create_trial
from tests.unit.sweep.study.pruning.curves import EPOCH, run, study_of

from finesweep.sweep.study.keys import SLOT
from finesweep.sweep.study.pruning.halving import Hyperband, SuccessiveHalving, rungs_between

N_EVALUATIONS = 40


def curves(n: int, seed: int = 0) -> np.ndarray:
    """[n, N_EVALUATIONS] losses that fall, whose order changes on the way."""
    drawn = np.random.default_rng(seed)
    noise = drawn.normal(0, 0.2, (n, N_EVALUATIONS)).cumsum(axis=1)
    return noise - 0.1 * np.arange(N_EVALUATIONS) + drawn.normal(0, 1, (n, 1))


def ends(study: optuna.Study, curves: np.ndarray) -> list[int | None]:
    return [run(study, list(values), slot=slot) for slot, values in enumerate(curves)]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    ("ours", "optunas"),
    [
        (
            SuccessiveHalving(EPOCH, 3, in_percent=False),
            SuccessiveHalvingPruner(min_resource=EPOCH, reduction_factor=3),
        ),
        (
            SuccessiveHalving(EPOCH, 2, 1, 4, in_percent=False),
            SuccessiveHalvingPruner(EPOCH, 2, 1, 4),
        ),
        (
            Hyperband(EPOCH, EPOCH * N_EVALUATIONS, in_percent=False),
            HyperbandPruner(EPOCH, EPOCH * N_EVALUATIONS),
        ),
    ],
    ids=["halving", "bootstrap", "hyperband"],
)
def test_trials_that_are_never_killed_end_as_with_optunas_pruner(
    ours: BasePruner, optunas: BasePruner, direction: str
) -> None:
    made = curves(60)
    theirs = optuna.create_study(study_name="curves", direction=direction, pruner=optunas)
    found = ends(study_of(ours, direction=direction), made)
    assert found == ends(theirs, made)
    assert len({*found}) >= 3  # some end at each of several rungs, some at none


@pytest.mark.parametrize(
    "pruner",
    [SuccessiveHalving(5.0), Hyperband(4.0, reduction_factor=2)],
    ids=["halving", "hyperband"],
)
def test_a_killed_trial_ends_as_it_would_have(pruner: BasePruner) -> None:
    made, drawn = curves(40, seed=1), np.random.default_rng(2)
    expected, study, found = ends(study_of(pruner), made), study_of(pruner), []
    for slot, values in enumerate(made):
        # Killed at any evaluation before its end, it resumes from a checkpoint before it, or anew.
        last = (expected[slot] or N_EVALUATIONS) - 1
        for _ in range(int(drawn.integers(0, 3)) if last else 0):
            killed = int(drawn.integers(1, last + 1))
            resumed = int(drawn.integers(0, killed))
            run(study, list(values), slot=slot, killed_after=killed, resumed_from=resumed)
        found.append(
            run(study, list(values), slot=slot, resumed_from=int(drawn.integers(0, last + 1)))
        )
    assert found == expected
    assert sum(trial.state == TrialState.FAIL for trial in study.trials) > 20


def test_a_retried_trial_stays_in_the_bracket_of_its_slot() -> None:
    pruner = Hyperband(10.0)
    trials = [create_trial(value=1.0, user_attrs={SLOT: slot}) for slot in (0, 1, 2, 3, 0, 1, 2, 3)]
    for number, trial in enumerate(trials):
        trial.number = number
    brackets = [pruner.bracket_of("study", trial) for trial in trials]
    assert brackets[:4] == brackets[4:]
    assert {pruner.bracket_of("study", t) for t in map(_of_slot, range(30))} == {0, 1, 2}


def _of_slot(slot: int) -> optuna.trial.FrozenTrial:
    return create_trial(value=1.0, user_attrs={SLOT: slot})


def test_the_attempts_of_a_slot_count_once_at_a_rung() -> None:
    # The best half go on: of one slot's three attempts and one other, the second of two is pruned.
    study = study_of(SuccessiveHalving(50.0, 2))
    for _ in range(2):
        run(study, [0.1, 0.1], slot=0, killed_after=1)
    run(study, [0.1, 0.1], slot=0)
    run(study, [0.3, 0.1], slot=1)
    assert run(study, [0.2, 0.1], slot=2) == 1  # of three, the best goes on
    assert run(study, [0.05, 0.0], slot=3) is None
    assert run(study, [0.11, 0.0], slot=4) == 1  # of five, the best two: 0.05 and 0.1


def test_models_are_halved_apart() -> None:
    study = study_of(SuccessiveHalving(50.0, 2))
    assert run(study, [0.1, 0.1], slot=0, model="bert") is None
    assert run(study, [0.9, 0.9], slot=1, model="distilbert") is None
    assert run(study, [0.95, 0.9], slot=2, model="distilbert") == 1
    assert run(study, [0.8, 0.8], slot=3, model="bert") == 1


def test_a_score_that_is_maximised_goes_on_when_it_is_high() -> None:
    study = study_of(SuccessiveHalving(50.0, 2), direction="maximize")
    assert run(study, [0.5, 0.5], slot=0) is None
    assert run(study, [0.4, 0.9], slot=1) == 1
    assert run(study, [0.6, 0.6], slot=2) is None


def test_rungs_are_shares_of_each_trials_own_schedule_and_values_lie_on_a_line() -> None:
    study = study_of(SuccessiveHalving(25.0, 2))
    assert run(study, [0.5, 0.4, 0.3, 0.2], slot=0) is None  # evaluated at each quarter
    # At its eighth and three eighths: 0.5 at the quarter, as good as the first trial.
    assert run(study, [0.6, 0.5, 0.45, 0.4], slot=1, total=8) is None
    assert run(study, [0.6, 0.52, 0.4, 0.4], slot=2, total=8) == 2
    assert run(study, [0.6, 0.5, 0.45, 0.41], slot=3, total=8) == 4


def test_no_trial_is_pruned_at_its_end_or_at_a_rung_that_it_passed() -> None:
    study = study_of(SuccessiveHalving(50.0, 2))
    assert run(study, [0.1, 0.1], slot=0) is None
    assert run(study, [0.1, 9.9], slot=1) is None
    assert run(study, [9.9, 0.1, 9.9, 9.9], slot=2) is None  # its rung is the second
    assert rungs_between(50.0, 99.5, 2) == [50.0]


def test_a_value_that_is_no_number_does_not_go_on() -> None:
    study = study_of(SuccessiveHalving(50.0, 2))
    assert run(study, [float("nan"), 0.1], slot=0) == 1
    assert run(study, [0.9, 0.1], slot=1) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_resource": 0}, "min_resource is 0, but must be above 0"),
        ({"min_resource": 5, "reduction_factor": 1}, "reduction_factor is 1, but must be at least"),
        ({"min_resource": 5, "bootstrap_count": -1}, "bootstrap_count is -1, but must be at least"),
        ({"min_resource": 50, "max_resource": 20}, "max_resource 20 is below min_resource 50"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hyperband(**arguments)
