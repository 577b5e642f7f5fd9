"""A run overfits where its validation loss rises while its train loss falls, and not before."""

from __future__ import annotations

import pytest

from finesweep.records import Evaluation
from finesweep.stats.overfitting import overfitting

FALLING = (0.9, 0.6, 0.4, 0.2, 0.1)
DIVERGING = (0.9, 0.6, 0.7, 0.8, 1.0)


def course(validation: tuple[float, ...], train: tuple[float, ...] = FALLING) -> list[Evaluation]:
    return [
        Evaluation(100 * k, float(k), {"validation/loss": v, "train/loss": t})
        for k, (v, t) in enumerate(zip(validation, train, strict=False), start=1)
    ]


def test_a_rise_since_the_lowest_loss_is_reported_with_both_losses() -> None:
    result = overfitting(course((0.8, 0.5, 0.55, 0.6, 0.7)))
    assert result is not None
    assert (result.since.step, result.last.step) == (200, 500)
    assert str(result) == (
        "after epoch 2 validation/loss rose from 0.5000 to 0.7000 "
        "while train/loss fell from 0.6000 to 0.1000"
    )


@pytest.mark.parametrize(
    ("why", "validation", "train"),
    [
        ("it falls to the end", (0.8, 0.7, 0.6, 0.5, 0.4), FALLING),
        ("one evaluation proves nothing", (0.8, 0.7, 0.6, 0.4, 0.9), FALLING),
        ("less than a hundredth is noise", (0.8, 0.5, 0.502, 0.503, 0.504), FALLING),
        ("it came down again", (0.8, 0.5, 0.7, 0.7, 0.501), FALLING),
        ("one bad evaluation among good ones", (0.8, 0.5, 0.5, 0.5, 0.51), FALLING),
        (
            "the train loss rises too: it diverges",
            (0.8, 0.5, 0.6, 0.7, 0.8),
            (0.9, 0.6, 0.7, 0.8, 1),
        ),
        ("nothing was evaluated", (), ()),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_there_is_no_overfitting_when(
    why: str, validation: tuple[float, ...], train: tuple[float, ...]
) -> None:
    assert overfitting(course(validation, train)) is None


def test_evaluations_on_the_pruners_sample_do_not_count() -> None:
    sampled = Evaluation(450, 4.5, {"validation/pruning_loss": 9.0, "train/loss": 0.05})
    assert overfitting([*course((0.8, 0.7, 0.6, 0.5)), sampled, sampled]) is None
