"""Evaluations at nominal steps, in examples seen, independent of the batch size."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finesweep.records import Evaluation
from finesweep.training.schedule import Schedule

ROWS = st.integers(1, 5_000)
EPOCHS = st.integers(1, 6)
PER_EPOCH = st.integers(1, 30)
STEP_EXAMPLES = st.integers(1, 6_000)


@pytest.mark.parametrize(
    ("train_rows", "epochs", "per_epoch", "due"),
    [
        (240, 1, 1, [240]),
        (240, 2, 4, [60, 120, 180, 240, 300, 360, 420, 480]),
        (100, 1, 3, [33, 67, 100]),
        (10, 1, 4, [2, 5, 8, 10]),  # 2.5 and 7.5 go to the even neighbour, as Python rounds
        (7, 3, 2, [4, 7, 10, 14, 18, 21]),
    ],
)
def test_the_kth_evaluation_is_due_at_its_share_of_the_rows(
    train_rows: int, epochs: int, per_epoch: int, due: list[int]
) -> None:
    assert Schedule(train_rows, epochs, per_epoch, 16).evaluation_steps == due


def test_a_share_that_ends_in_a_half_goes_where_the_formula_says() -> None:
    assert round(21 * 17 / 14) == 26
    assert Schedule(17, 2, 14, 4).evaluation_steps[20] == 26


def test_more_evaluations_than_rows_are_one_for_each_row() -> None:
    assert Schedule(3, 2, 10, 2).evaluation_steps == [1, 2, 3, 4, 5, 6]


@given(ROWS, EPOCHS, PER_EPOCH, STEP_EXAMPLES)
def test_steps_increase_and_end_with_the_last_example(
    train_rows: int, epochs: int, per_epoch: int, examples_per_step: int
) -> None:
    schedule = Schedule(train_rows, epochs, per_epoch, examples_per_step)
    steps = schedule.evaluation_steps
    assert steps[0] > 0
    assert all(earlier < later for earlier, later in pairwise(steps))
    assert steps[-1] == schedule.total == train_rows * epochs
    assert len(steps) == min(per_epoch, train_rows) * epochs


@given(ROWS, EPOCHS, PER_EPOCH, STEP_EXAMPLES, STEP_EXAMPLES)
def test_no_batch_size_moves_a_step(
    train_rows: int, epochs: int, per_epoch: int, one: int, another: int
) -> None:
    first, second = (Schedule(train_rows, epochs, per_epoch, size) for size in (one, another))
    assert first.evaluation_steps == second.evaluation_steps


@given(ROWS, st.integers(1, 5), PER_EPOCH)
def test_more_epochs_only_append_steps(train_rows: int, epochs: int, per_epoch: int) -> None:
    shorter = Schedule(train_rows, epochs, per_epoch, 16).evaluation_steps
    longer = Schedule(train_rows, epochs + 1, per_epoch, 16).evaluation_steps
    assert longer[: len(shorter)] == shorter


@pytest.mark.parametrize(
    ("train_rows", "examples_per_step", "seen"),
    [
        (6, 2, [0, 2, 4, 6, 8, 10, 12]),
        (5, 2, [0, 2, 4, 5, 7, 9, 10]),  # each epoch's third step holds one example
        (240, 32 * 4, [0, 128, 240, 368, 480]),  # batches of 32, four to a step
        (3, 8, [0, 3, 6]),
    ],
)
def test_an_epochs_last_step_may_hold_fewer_examples(
    train_rows: int, examples_per_step: int, seen: list[int]
) -> None:
    schedule = Schedule(train_rows, 2, 1, examples_per_step)
    assert [schedule.examples_seen(steps) for steps in range(len(seen))] == seen


@given(ROWS, EPOCHS, STEP_EXAMPLES)
def test_all_steps_together_see_every_example_of_every_epoch(
    train_rows: int, epochs: int, examples_per_step: int
) -> None:
    schedule = Schedule(train_rows, epochs, 4, examples_per_step)
    n_steps = epochs * math.ceil(train_rows / examples_per_step)
    assert schedule.examples_seen(n_steps) == schedule.total
    assert schedule.examples_seen(n_steps - 1) < schedule.total


@given(ROWS, EPOCHS, PER_EPOCH, STEP_EXAMPLES)
def test_an_evaluation_is_made_at_the_first_step_that_reaches_it(
    train_rows: int, epochs: int, per_epoch: int, examples_per_step: int
) -> None:
    schedule = Schedule(train_rows, epochs, per_epoch, examples_per_step)
    n_steps = epochs * math.ceil(train_rows / examples_per_step)
    steps = [schedule.examples_seen(step) for step in range(1, n_steps + 1)]
    for due in schedule.evaluation_steps[:40]:
        assert schedule.examples_at(due) == next(seen for seen in steps if seen >= due)


def test_people_are_told_one_look_for_each_step_that_made_some() -> None:
    """60 rows in batches of 64: one step, at which four evaluations are due."""
    schedule = Schedule(60, 2, 4, 64)
    evaluations = [Evaluation(s, s / 60, {"x": s // 61}) for s in schedule.evaluation_steps]
    assert schedule.at_examples_seen(evaluations) == [
        Evaluation(60, 1.0, {"x": 0}),
        Evaluation(120, 2.0, {"x": 1}),
    ]
    assert schedule.at_examples_seen(evaluations[:1]) == [Evaluation(60, 1.0, {"x": 0})]
    assert Schedule(60, 1, 4, 16).at_examples_seen(evaluations[:2]) == [
        Evaluation(16, 16 / 60, {"x": 0}),
        Evaluation(32, 32 / 60, {"x": 0}),
    ]
