"""The sampler of each slot, and the branches of a plan's search space."""

from __future__ import annotations

import optuna
import pytest
from optuna.samplers import TPESampler
from tests.unit.sweep.conftest import PlanOf

from finesweep.samplers import TransferSampler
from finesweep.samplers.packaged import packaged_tasks
from finesweep.sweep.study.sampling.node import learns
from finesweep.sweep.study.sampling.samplers import branches, sampler_for
from finesweep.sweep.study.search_space import suggest

pytestmark = pytest.mark.slow

SPACE = """\
n_trials: 4
sampler: {_target_: finesweep.samplers.TransferSampler}
params:
  dataset: tweets
  model: choice(minilm, distil_minilm)
  training.learning_rate: tag(log, interval(2e-5, 5e-4))
when:
  model=minilm:
    model.freeze_layers: range(0, 7)
  model=distil_minilm:
    model.freeze_layers: range(0, 4)
"""


def test_there_is_a_branch_for_each_model(plan_of: PlanOf) -> None:
    minilm, distil = branches(plan_of(SPACE))

    assert minilm.only == {"model": ("minilm",)}
    assert set(minilm.space) == {
        "model", "training.learning_rate", "model.freeze_layers|model=minilm",
    }  # fmt: skip
    assert set(distil.space) - set(minilm.space) == {"model.freeze_layers|model=distil_minilm"}


def test_a_sampler_that_learns_gets_the_space_and_past_trials(plan_of: PlanOf) -> None:
    plan, past = plan_of(SPACE), packaged_tasks()[:1]
    sampler = sampler_for(plan, 0, past)

    assert isinstance(sampler, TransferSampler)
    assert sampler.past[-1] is past[0]
    trial = optuna.create_study(sampler=sampler).ask()
    values = suggest(trial, plan)
    assert values["model.freeze_layers"] <= 2  # 0 to 6 are as likely in a random first trial
    assert values["training.learning_rate"] > 1e-4


@pytest.mark.parametrize(
    ("target", "expected"),
    [("finesweep.samplers.TransferSampler", True), ("optuna.samplers.TPESampler", False)],
)
def test_only_a_transfer_sampler_learns(plan_of: PlanOf, target: str, expected: bool) -> None:
    assert learns(plan_of(SPACE, f"sweep.sampler={{_target_: {target}}}")) is expected


def test_another_sampler_is_built_as_it_is(plan_of: PlanOf) -> None:
    plan = plan_of(SPACE, "sweep.sampler={_target_: optuna.samplers.TPESampler}")
    assert isinstance(sampler_for(plan, 0), TPESampler)
