"""Tries a sweep's sampler and pruner on its search space, with random values, before it runs.

Running them finds what they cannot do: a missing package, a grid without end, a sampler that would
stop the study.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import numpy as np
import optuna
from optuna import Study, Trial
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from finesweep.config import SweepPlan, parameters_of
from finesweep.errors import ConfigError, Problem
from finesweep.sweep.study.keys import MODEL, OBJECTIVES, TOTAL
from finesweep.sweep.study.objectives.first_objective import by_first_objective
from finesweep.sweep.study.pruner import pruner_of
from finesweep.sweep.study.pruning.node import problems_of
from finesweep.sweep.study.sampling.grid import points
from finesweep.sweep.study.sampling.samplers import sampler_for
from finesweep.sweep.study.search_space import suggest
from finesweep.sweep.worker.failures import WholeSweepError, whole_sweeps

THRESHOLDS = ("n_startup_trials", "population_size", "popsize")
"""Arguments for the number of trials after which a sampler or pruner leaves its start-up."""
INSTEAD = {
    "sweep.sampler": (
        "leave it out for TPESampler, or take optuna.samplers.NSGAIISampler or GPSampler"
    ),
    "sweep.pruner": (
        "leave it out, or take optuna.pruners.MedianPruner, PercentilePruner or"
        " SuccessiveHalvingPruner"
    ),
}
"""Field → what takes several objectives."""
MAX_TRIALS = 300
STEPS = (25, 50, 75, 100)
_silent = RLock()


def rehearse(plan: SweepPlan) -> None:
    """Raises ConfigError when the sampler or pruner cannot handle the sweep."""
    if problems := problems_of(plan):
        raise ConfigError(*problems)
    if plan.is_exhaustive:
        points(plan)
    with (
        silent_optuna(),
        _one_objective_alone(plan),
        whole_sweeps("sweep.sampler", plan.settings.sampler),
    ):
        for study, slot in ((_study(plan, 0), 0), (_study(plan, _n_trials(plan)), 1)):
            for number in (slot, slot + 1):
                study.sampler = sampler_for(plan, number)
                trial = study.ask()
                suggest(trial, plan)
                trial.set_user_attr(OBJECTIVES, {each.metric: 0.5 for each in plan.objectives})
                _tell(study, trial, plan.sampler_name)


@contextmanager
def _one_objective_alone(plan: SweepPlan) -> Iterator[None]:
    """Says what to do about a sampler or a pruner that refuses several objectives."""
    try:
        yield
    except WholeSweepError as error:
        (problem,), n_objectives = error.problems, len(plan.objectives)
        if n_objectives < 2 or "objective" not in str(error.__cause__):
            raise
        name = problem.message.split()[0]
        message = (
            f"{name} takes one objective, and sweep.objectives has {n_objectives}; "
            f"{INSTEAD[problem.path]}"
        )
        raise ConfigError(Problem(problem.path, message)) from error


def _n_trials(plan: SweepPlan) -> int:
    """Number of trials after which sampler and pruner have left their start-up, at most the
    sweep's."""
    nodes = [plan.settings.sampler, plan.settings.pruner or {}]
    arguments = [{**parameters_of(node), **node} for node in nodes if "_target_" in node]
    counts = [each[name] for each in arguments for name in THRESHOLDS if name in each]
    n_trials = max([16, *(2 + count for count in counts if isinstance(count, int))])
    limit = plan.settings.n_trials
    return min(n_trials, MAX_TRIALS if limit is None else limit - 1, MAX_TRIALS)


def _study(plan: SweepPlan, n_trials: int) -> Study:
    """A study in memory with n_trials trials, drawn at random from the plan's search space."""
    several = [each.direction for each in plan.objectives]
    study = by_first_objective(optuna.create_study(directions=several))
    study.sampler = RandomSampler(seed=0)
    values = np.random.default_rng(0)
    with whole_sweeps("sweep.pruner", plan.settings.pruner):
        study.pruner = pruner_of(plan)
    for _ in range(n_trials):
        trial = study.ask()
        suggest(trial, plan)
        trial.set_user_attr(MODEL, "any")
        trial.set_user_attr(TOTAL, STEPS[-1])
        with whole_sweeps("sweep.pruner", plan.settings.pruner):
            for step in STEPS:
                trial.report(values.random(), step)
                trial.should_prune()
        trial.set_user_attr(OBJECTIVES, {each.metric: values.random() for each in plan.objectives})
        study.tell(trial, values.random())
    return study


def _tell(study: Study, trial: Trial, name: str) -> None:
    try:
        study.tell(trial, state=TrialState.COMPLETE, values=0.5)
    except RuntimeError as error:
        if "stop" not in str(error):
            raise
        raise ConfigError(_stop_problem(name)) from error


def _stop_problem(name: str) -> Problem:
    message = f"{name} stops the study itself, but here n_trials does; use another sampler"
    return Problem("sweep.sampler", message)


@contextmanager
def silent_optuna() -> Iterator[None]:
    """Keeps Optuna's messages and warnings off the screen; one thread's at a time, for the level is
    the process's."""
    logger = logging.getLogger("optuna")
    with _silent, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logger.level
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            logger.setLevel(before)
