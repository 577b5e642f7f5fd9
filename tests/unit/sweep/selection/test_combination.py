"""Which seeds are averaged, and whether that is better than the best one, as a pure rule."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from optuna import Study
from tests.unit.sweep.selection.test_confirmation import confirming, finish, searched

from finesweep.config import ConfirmConfig
from finesweep.records import Finalist, Objective
from finesweep.sweep.selection.claims import is_finished_sweep
from finesweep.sweep.selection.combination import (
    Combination,
    Members,
    choose,
    combination_in,
    greedy,
)
from finesweep.sweep.selection.confirmation import (
    is_combined,
    kept_seeds,
    up_to_date,
    winner_of,
)
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.study.keys import COMBINATION, FINALIST, N_TRIALS

LOSS, ACCURACY = Objective(), Objective("validation/accuracy", "maximize")
BOTH = ("soup", "ensemble")
SOUP, TWICE = ConfirmConfig(top_k=2, seeds=2, soup=True), ConfirmConfig(top_k=2, seeds=2)


def chosen(values: dict[tuple[str, Members], float], **how: object) -> tuple[str, Members]:
    """The best way and its members, when seeds combined so have these values; others have 9."""
    given = {"alike": (4, 2, 7), "others": (), "ways": BOTH, "objective": LOSS} | how
    tried, way = choose(value=lambda way, members: values.get((way, members), 9.0), **given)  # type: ignore[arg-type]
    return way, tried[way][1]


BEST = {("best seed", (4,)): 0.5, ("greedy soup", (4,)): 0.5}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ("best seed", (4,))),
        ({("uniform soup", (4, 2, 7)): 0.4}, ("uniform soup", (4, 2, 7))),
        ({("greedy soup", (4, 7)): 0.4}, ("greedy soup", (4, 7))),
        ({("ensemble", (4, 2, 7)): 0.4}, ("ensemble", (4, 2, 7))),
        # Of equals the simpler wins: one seed, then one model, then several.
        ({("uniform soup", (4, 2, 7)): 0.5}, ("best seed", (4,))),
        (
            {("uniform soup", (4, 2, 7)): 0.4, ("ensemble", (4, 2, 7)): 0.4},
            ("uniform soup", (4, 2, 7)),
        ),
        ({("ensemble", (4, 2, 7)): float("nan")}, ("best seed", (4,))),
    ],
)
def test_the_best_on_validation_is_chosen(
    values: dict[tuple[str, Members], float], expected: tuple[str, Members]
) -> None:
    assert chosen(BEST | values) == expected


def test_only_what_was_asked_for_is_tried() -> None:
    values = {**BEST, ("uniform soup", (4, 2, 7)): 0.3, ("ensemble", (4, 2, 7)): 0.4}
    assert chosen(values, ways=("ensemble",)) == ("ensemble", (4, 2, 7))
    assert chosen(values, ways=("soup",)) == ("uniform soup", (4, 2, 7))


def test_seeds_from_another_head_are_only_in_the_ensemble() -> None:
    values = {**BEST, ("ensemble", (4, 2)): 0.4, ("uniform soup", (4, 2)): 0.3}
    assert chosen(values, alike=(4,), others=(2,)) == ("ensemble", (4, 2))


@pytest.mark.parametrize(
    ("objective", "values", "expected"),
    [
        (LOSS, {(1,): 0.5, (1, 2): 0.4, (1, 2, 3): 0.6}, (0.4, (1, 2))),
        (LOSS, {(1,): 0.5, (1, 2): 0.6, (1, 3): 0.5}, (0.5, (1, 3))),  # not worse: it is added
        (LOSS, {(1,): 0.5, (1, 2): float("nan"), (1, 3): 0.6}, (0.5, (1,))),
        (ACCURACY, {(1,): 0.5, (1, 2): 0.4, (1, 3): 0.6}, (0.6, (1, 3))),
    ],
)
def test_a_greedy_soup_takes_each_seed_that_does_not_make_it_worse(
    objective: Objective, values: dict[Members, float], expected: tuple[float, Members]
) -> None:
    assert greedy((1, 2, 3), objective, lambda members: values[members]) == expected


def confirmed() -> Study:
    """Trial 1 wins, with seeds 0.45 and 0.35 in slots 0 and 2 of the confirmation."""
    study = searched(0.5, 0.4)
    finish(confirming(study), {(1, 0): 0.45, (0, 0): 0.6, (1, 1): 0.35, (0, 1): 0.7})
    return study


def test_a_combination_counts_for_its_own_seeds_and_ways_alone() -> None:
    study = confirmed()
    winner = winner_of(read_state(study), SOUP)
    assert winner is not None
    numbers = {slot.user_attrs["slot"]: slot.number for slot in winner.study.trials}
    first, second = numbers[2], numbers[0]
    made = Combination(1, (first, second), ("soup",), "uniform soup", (first, second), {"a": 1.0})
    assert not is_combined(read_state(study), SOUP, winner)
    study.set_user_attr(COMBINATION, asdict(made))
    assert combination_in(study.user_attrs) == made
    combined = winner_of(read_state(study), SOUP)
    assert combined is not None
    assert combined.combination == made
    assert combined.uid == f"u/confirmation/uniform-soup-{first}-{second}"
    assert combined.best_seed_uid == winner.uid == f"u/confirmation/{first}"
    assert is_combined(read_state(study), SOUP, winner)
    # Without the setting, with another one and with another seed it does not count.
    both = ConfirmConfig(top_k=2, seeds=2, soup=True, ensemble=True)
    for config in (both, ConfirmConfig(top_k=2, seeds=2)):
        other = winner_of(read_state(study), config)
        assert other is not None
        assert (other.combination, other.uid) == (None, winner.uid)
    assert not is_combined(read_state(study), both, winner)
    more = ConfirmConfig(top_k=2, seeds=3, soup=True)
    finish(confirming(study, more), {(1, 2): 0.36})
    assert not is_combined(read_state(study), more, winner)


def test_all_seeds_of_what_can_win_are_kept_until_they_are_combined() -> None:
    study = confirmed()
    state = read_state(study).confirmation
    assert state is not None
    best = [trial.value for trial in kept_seeds(state, ConfirmConfig(2, 2), "minimize")]
    assert sorted(best) == [0.35, 0.6]
    assert len(kept_seeds(state, SOUP, "minimize")) == 4


def test_a_finished_sweep_goes_on_when_its_seeds_are_to_be_combined() -> None:
    study = confirmed()
    study.set_user_attr(N_TRIALS, 2)
    best = winner_of(read_state(study), TWICE)
    assert best is not None
    evaluated = Finalist(1, "run", "models:/m-1", {}, 0.5, 10, 8, uid=best.uid)
    study.set_user_attr(FINALIST, asdict(up_to_date(evaluated, best)))
    assert is_finished_sweep(read_state(study), None, TWICE)
    assert not is_finished_sweep(read_state(study), None, SOUP)
    seeds = (2, 0)  # numbers of its seeds in the confirmation, the best first
    made = Combination(1, seeds, ("soup",), "best seed", seeds[:1], {"best seed": 0.35})
    study.set_user_attr(COMBINATION, asdict(made))
    assert is_finished_sweep(read_state(study), None, SOUP)
