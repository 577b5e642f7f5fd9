"""How a sweep's pruner is written: in training examples, or in shares of a schedule."""

from __future__ import annotations

import re
from contextlib import chdir
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from optuna import Study
from optuna.pruners import BasePruner
from tests.unit.sweep.study.pruning.curves import run, study_of

from finesweep.config import SweepPlan, compose_sweep
from finesweep.sweep.study.pruner import PerModelPruner, pruner_of
from finesweep.sweep.study.pruning.halving import Hyperband, SuccessiveHalving
from finesweep.sweep.study.pruning.node import first_evaluation_percent, problems_of

SWEEP = """\
n_trials: 9
params:
  dataset: tweets
  model: minilm
  training.epochs: range(2, 5)
  training.evaluations_per_epoch: 4
"""
MEDIAN = "{_target_: optuna.pruners.MedianPruner, n_startup_trials: 1, n_warmup_steps: 50%}"
EVALUATIONS = "training.evaluations_per_epoch=%d"


@cache
def composed(*overrides: str) -> SweepPlan:
    """The plan in a folder of its own: each takes longer to compose than a test."""
    with TemporaryDirectory() as folder, chdir(folder):
        Path("sweeps").mkdir()
        Path("sweeps/own.yaml").write_text(f"# @package sweep\n{SWEEP}", encoding="utf-8")
        return compose_sweep("own", overrides)


def plan_with(given: str | None, *overrides: str) -> SweepPlan:
    """The plan with the pruner of these arguments after optuna.pruners."""
    node = None if given is None else yaml.safe_load(f"{{_target_: optuna.pruners.{given}}}")
    plan = composed(*overrides)
    return replace(plan, settings=replace(plan.settings, pruner=node))


def pruner(given: str | None, *overrides: str) -> Any:
    """What the sweep's pruner is built as, without its view of the study."""
    plan = plan_with(given, *overrides)
    assert problems_of(plan) == []
    wrapped = pruner_of(plan)
    assert isinstance(wrapped, PerModelPruner)
    return wrapped.pruner


def filled(pruner: BasePruner, direction: str = "minimize") -> Study:
    """A study with a good trial that was killed once, and a bad one of another model."""
    study, sign = study_of(pruner, direction=direction), 1 if direction == "minimize" else -1
    good, bad = [sign * 0.4, sign * 0.3, sign * 0.2, sign * 0.1], [sign * 0.9] * 4
    run(study, good, slot=0, killed_after=3)
    assert run(study, good, slot=0, resumed_from=2) is None
    assert run(study, bad, slot=1, model="distilbert") in (None, 1, 2)
    return study


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    ("given", "stopped_at"),
    [
        ("PercentilePruner, percentile: 25, n_startup_trials: 1", 1),
        ("PercentilePruner, percentile: 25, n_startup_trials: 1, n_warmup_steps: 300", 3),
        ("PercentilePruner, percentile: 25, n_startup_trials: 1, n_warmup_steps: 50%", 2),
        ("PercentilePruner, percentile: 25, n_startup_trials: 3", None),
        ("MedianPruner, n_startup_trials: 1, interval_steps: 100%, n_warmup_steps: 75%", 3),
        # Three evaluations without a better one, and then the median.
        ("PatientPruner, patience: 1, wrapped_pruner: " + MEDIAN, 3),
        ("PatientPruner, patience: 2, wrapped_pruner: null", 4),
        ("SuccessiveHalvingPruner, min_resource: 50%, reduction_factor: 2", 2),
        ("SuccessiveHalvingPruner, min_resource: 300, reduction_factor: 2", 3),
        ("HyperbandPruner, min_resource: 60%, reduction_factor: 2", 3),
        ("NopPruner", None),
    ],
)
def test_a_bad_trial_is_pruned_among_its_own_model(
    given: str, stopped_at: int | None, direction: str
) -> None:
    sign = 1 if direction == "minimize" else -1
    study = filled(pruner(given), direction)
    worse = [sign * (0.5 + 0.001 * k) for k in range(4)]
    assert run(study, worse, slot=2) == stopped_at
    # The same after a kill.
    run(study, worse, slot=3, killed_after=1)
    assert run(study, worse, slot=3) == stopped_at


@pytest.mark.parametrize(
    ("given", "stopped_at"),
    [("upper: 0.45", 1), ("upper: 0.45, n_warmup_steps: 50%", 2), ("lower: 0.3", None)],
)
def test_a_threshold_is_in_the_metric_whatever_the_others_did(
    given: str, stopped_at: int | None
) -> None:
    study = study_of(pruner(f"ThresholdPruner, {given}"))
    assert run(study, [0.5] * 4, slot=0) == stopped_at
    run(study, [0.4] * 4, slot=1, killed_after=2)
    assert run(study, [0.4, 0.4, 0.5, 0.5], slot=1) == (3 if stopped_at else None)


def test_halving_without_a_resource_is_in_percent_from_where_every_trial_is_evaluated() -> None:
    # Two epochs are evaluated first at an eighth: rungs at a ninth would come too early.
    hyperband = pruner("HyperbandPruner")
    assert isinstance(hyperband, Hyperband)
    assert [bracket.halving.first_rung for bracket in hyperband.brackets] == pytest.approx(
        [100 / 3, 100]
    )
    assert pruner("HyperbandPruner, max_resource: auto").brackets[0].halving.in_percent
    finer = pruner("HyperbandPruner", EVALUATIONS % 5)
    assert finer.brackets[0].halving.first_rung == pytest.approx(100 / 9)
    halving = pruner("SuccessiveHalvingPruner, min_resource: auto")
    assert isinstance(halving, SuccessiveHalving)
    assert halving.first_rung == 25
    once = pruner("SuccessiveHalvingPruner", EVALUATIONS % 1)
    assert once.first_rung == 50


def test_the_first_evaluation_is_that_of_the_shortest_trial() -> None:
    plan = composed()
    assert first_evaluation_percent(plan) == 12.5
    rare = {"training.epochs": 2, "training.evaluations_per_epoch": 2}
    assert first_evaluation_percent(replace(plan, enqueued=(rare,))) == 25
    assert first_evaluation_percent(composed(EVALUATIONS % 5)) == 10


def test_an_older_study_with_half_a_resource_goes_on() -> None:
    plan = plan_with("HyperbandPruner, min_resource: 500")
    assert pruner_of(plan).pruner.brackets[0].halving.in_percent  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("WilcoxonPruner", r"^sweep\.pruner: WilcoxonPruner compares trials on the same instances"),
        (
            "PatientPruner, patience: 1, wrapped_pruner: {_target_: optuna.pruners.WilcoxonPruner}",
            r"^sweep\.pruner\.wrapped_pruner: WilcoxonPruner compares",
        ),
        (
            "HyperbandPruner, min_resource: 500",
            r"^sweep\.pruner\.min_resource: is in training examples, and then max_resource must be",
        ),
        (
            "HyperbandPruner, min_resource: 10%, max_resource: 900",
            r"^sweep\.pruner\.max_resource: is in training examples and min_resource in percent;",
        ),
        (
            "MedianPruner, n_warmup_steps: a third",
            r"^sweep\.pruner\.n_warmup_steps: 'a third' given; takes training examples, such as 20",
        ),
        ("MedianPruner, n_warmup_steps: x%", r"n_warmup_steps: 'x%' given; takes training examp"),
        ("MedianPruner, n_warmup_steps: 101%", r"'101%' given; a share here is from 0% to 100%$"),
        ("SuccessiveHalvingPruner, min_resource: 100%", r"'100%' given; a share here is from 1% t"),
    ],
)
def test_what_cannot_be_is_said_by_its_path(given: str, problem: str) -> None:
    (found,) = problems_of(plan_with(given))
    assert re.search(problem, str(found))


def test_without_a_pruner_nothing_is_wrong_or_pruned() -> None:
    assert run(study_of(pruner(None)), [0.1], slot=0) is None
