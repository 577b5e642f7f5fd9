"""Objectives, their directions and the winner's rule agree, or one message says what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from finesweep.config import compose_sweep, data_problems
from finesweep.config.schema import SEVERAL_OBJECTIVES_SAMPLER, SweepConfig
from finesweep.errors import ConfigError
from finesweep.records import Objective

LOSS, MS = "validation/loss", "latency_ms/one_p50"
BOTH = f"sweep.objectives=[{LOSS},{MS}]"
PICK = "sweep.register.pick="


@pytest.fixture(autouse=True)
def _folder(workplace: Path) -> None:
    """Without sweeps of the caller's own."""


def test_directions_are_derived_or_stated() -> None:
    given = "sweep.objectives=[validation/f1,{latency_ms/one_p50: minimize},model/bytes]"
    plan = compose_sweep("demo", [given, "sweep.metric=validation/f1"])
    assert plan.objectives == (
        Objective("validation/f1", "maximize"),
        Objective(MS, "minimize"),
        Objective("model/bytes", "minimize"),
    )
    assert compose_sweep("demo", []).objectives == (Objective(LOSS, "minimize"),)


def test_the_default_sampler_is_one_that_takes_several() -> None:
    plan = compose_sweep("demo", [BOTH])
    assert plan.settings.sampler == SEVERAL_OBJECTIVES_SAMPLER
    assert plan.base.config.sweep is not None
    assert plan.base.config.sweep.sampler == SEVERAL_OBJECTIVES_SAMPLER, "--cfg job prints it"
    own = "sweep.sampler={_target_: optuna.samplers.NSGAIISampler}"
    given = compose_sweep("demo", [BOTH, own]).settings.sampler
    assert given["_target_"] == "optuna.samplers.NSGAIISampler"


@pytest.mark.parametrize("pick", ["best_first", "knee", f"{{best_first_within: {{{LOSS}: 0.01}}}}"])
def test_a_rule_for_several_objectives_is_taken(pick: str) -> None:
    plan = compose_sweep("demo", [BOTH, f"{PICK}{pick}"])
    expected = pick if "{" not in pick else {"best_first_within": {LOSS: 0.01}}
    assert plan.pick == expected
    assert compose_sweep("demo", [BOTH, "sweep.register=null"]).pick == "best_first"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([f"sweep.objectives=[{LOSS}]"], r"^sweep\.objectives: one given, .*only sweep\.metric="),
        ([f"sweep.objectives=[{LOSS},{LOSS}]"], r"validation/loss is given twice"),
        (
            ["sweep.objectives=[validation/f1,model/bytes]"],
            r"the first, validation/f1, .*sweep\.metric is validation/loss; write sweep\.metric=va",
        ),
        (
            [f"sweep.objectives=[{MS},{LOSS}]"],
            r"write validation/loss as the first: latency_ms/one_p50 does not change",
        ),
        (
            [f"sweep.objectives=[{LOSS},{{model/bytes: maximize}}]"],
            r"^sweep\.objectives\.1: 'maximize' given, but model/bytes is minimized",
        ),
        (
            [f"sweep.objectives=[{LOSS},test/f1]"],
            r"only the winner uses the test split; use 'validation/f1'",
        ),
        ([f"sweep.objectives=[{LOSS},f1]"], r"did you mean 'validation/f1'\?"),
        ([f"sweep.objectives=[{LOSS},latency_ms/p50]"], r"did you mean 'latency_ms/\w+_p50'\?"),
        ([f"{PICK}knee"], r"^sweep\.register\.pick: .*with one objective the best wins"),
        ([BOTH, f"{PICK}cheapest"], r"takes best_first, \{best_first_within: .*\} or knee"),
        (
            [BOTH, f"{PICK}{{best_first_within: {{model/bytes: 1}}}}"],
            r"takes \{validation/loss: DISTANCE\}, for the first objective alone",
        ),
        (
            [BOTH, f"{PICK}{{best_first_within: {{{LOSS}: -1}}}}"],
            r"-1 given; takes a finite number, at least 0, in the unit of validation/loss",
        ),
    ],
    ids=str,
)
def test_what_contradicts_is_one_message(given: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose_sweep("demo", given)


def test_each_objective_is_checked_against_the_data() -> None:
    sweep = SweepConfig(objectives=[LOSS, "validation/f1_micro", "validation/roc_auc", MS])
    problems = data_problems(sweep, multi_label=False, n_truths=1)
    assert [problem.path for problem in problems] == ["sweep.objectives.1", "sweep.objectives.2"]
