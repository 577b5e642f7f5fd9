"""The learning rate of each step, of every scheduler."""

from __future__ import annotations

import math
from typing import get_type_hints

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import get_cosine_schedule_with_warmup

from finesweep.config import TrainingConfig
from finesweep.training.optimization.learning_rate import rate_factor, scheduled_rate

SCHEDULERS = ("linear", "cosine", "constant", "warmup_stable_decay")


def rates(n_steps: int, *, lr: float = 2.0, **how: object) -> list[float]:
    """The rates of all steps, as an optimizer sees them."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = scheduled_rate(optimizer, n_steps=n_steps, **how)
    seen = []
    for _ in range(n_steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def test_every_scheduler_of_the_config_is_tested() -> None:
    field = TrainingConfig.__dataclass_fields__["scheduler"]
    assert field.metadata["one_of"] == SCHEDULERS
    assert get_type_hints(TrainingConfig)["scheduler"] is str


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@given(st.integers(1, 500), st.floats(0, 0.999))
def test_no_step_of_any_run_is_made_at_rate_zero(
    scheduler: str, n_steps: int, warmup_ratio: float
) -> None:
    n_warmup = math.ceil(n_steps * warmup_ratio)
    factors = [
        rate_factor(k, n_warmup=n_warmup, n_steps=n_steps, scheduler=scheduler)
        for k in range(n_steps)
    ]
    assert all(0 < factor <= 1 for factor in factors)
    assert max(factors) == 1
    assert factors == sorted(factors[:n_warmup]) + sorted(factors[n_warmup:], reverse=True)


@pytest.mark.parametrize(
    ("n_warmup", "n_steps", "factors"),
    [
        (1, 1, [1.0]),
        (0, 4, [1.0, 0.75, 0.5, 0.25]),
        (2, 6, [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]),
    ],
)
def test_the_rate_rises_from_a_share_and_falls_to_one(
    n_warmup: int, n_steps: int, factors: list[float]
) -> None:
    assert rates(n_steps, n_warmup=n_warmup) == pytest.approx([2.0 * each for each in factors])


def test_a_constant_rate_is_warmed_up_and_stays() -> None:
    seen = rates(6, n_warmup=2, scheduler="constant")
    assert seen == [1.0, 2.0, 2.0, 2.0, 2.0, 2.0]


def test_a_stable_rate_falls_in_the_last_fifth_of_all_steps() -> None:
    seen = rates(20, n_warmup=2, scheduler="warmup_stable_decay")
    assert seen == pytest.approx([1.0, *[2.0] * 16, 1.5, 1.0, 0.5])


def test_a_run_that_is_nearly_all_warm_up_falls_in_what_is_left() -> None:
    seen = rates(10, n_warmup=9, scheduler="warmup_stable_decay")
    assert seen[8:] == [2.0, 2.0]


def test_a_cosine_is_that_of_transformers_after_warm_up() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    theirs = get_cosine_schedule_with_warmup(optimizer, 3, 12)
    expected = []
    for _ in range(12):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    seen = rates(12, n_warmup=3, scheduler="cosine")
    assert seen[3:] == pytest.approx(expected[3:])
    assert seen[:3] == pytest.approx([2 / 3, 4 / 3, 2.0])
