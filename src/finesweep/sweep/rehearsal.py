"""Tries a sweep's sampler and pruner on its search space, with random values, before it runs.

Running them finds what they cannot do: a missing package, a grid without end, a sampler that would
stop the study.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import optuna
from optuna import Study, Trial
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from finesweep.config import SweepPlan, parameters_of
from finesweep.errors import ConfigError, Problem
from finesweep.sweep.study.keys import MODEL, TOTAL
from finesweep.sweep.study.pruner import pruner_of
from finesweep.sweep.study.pruning.node import problems_of
from finesweep.sweep.study.sampling.grid import points
from finesweep.sweep.study.sampling.samplers import sampler_for
from finesweep.sweep.study.search_space import suggest
from finesweep.sweep.worker.failures import whole_sweeps

THRESHOLDS = ("n_startup_trials", "population_size", "popsize")
"""Arguments for the number of trials after which a sampler or pruner leaves its start-up."""
MAX_TRIALS = 300
STEPS = (25, 50, 75, 100)


def rehearse(plan: SweepPlan) -> None:
    """Raises ConfigError when the sampler or pruner cannot handle the sweep."""
    if problems := problems_of(plan):
        raise ConfigError(*problems)
    if plan.is_exhaustive:
        points(plan)
    with optuna_messages(), whole_sweeps("sweep.sampler", plan.settings.sampler):
        for study, slot in ((_study(plan, 0), 0), (_study(plan, _n_trials(plan)), 1)):
            for number in (slot, slot + 1):
                study.sampler = sampler_for(plan, number)
                trial = study.ask()
                suggest(trial, plan)
                _tell(study, trial, plan.sampler_name)


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
    study = optuna.create_study(direction=plan.direction, sampler=RandomSampler(seed=0))
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
def optuna_messages() -> Iterator[list[str]]:
    """The messages that Optuna logs in the context, kept off the screen; warnings are ignored."""
    messages: list[str] = []
    logger = logging.getLogger("optuna")
    before = logger.handlers, logger.level, logger.propagate
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield messages
    finally:
        logger.handlers, level, logger.propagate = before
        logger.setLevel(level)
