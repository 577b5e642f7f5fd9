"""The loop of a sweep: claim a slot, run its trial, tell Optuna, until no slot waits."""

from __future__ import annotations

import time

from optuna import Study, Trial, TrialPruned
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepPlan
from finesweep.errors import ConfigError, FinesweepError, Problem
from finesweep.sweep.attempt import Attempt
from finesweep.sweep.attributes import REASON, RETRY, SLOT
from finesweep.sweep.checkpoints import keep_best, require_space
from finesweep.sweep.interruption import Interruption, deferred_signals
from finesweep.sweep.observer import Observer
from finesweep.sweep.parent import close_orphans, open_parent, show_best
from finesweep.sweep.recording import reason
from finesweep.sweep.slots import claim, refill
from finesweep.sweep.space import check, objective_of, optuna_params
from finesweep.sweep.study import sampler_for
from finesweep.tracking import Run, Store, open_store

QUEUE_LENGTH = 2
"""Waiting trials kept ready: twice the workers, of which there is one."""


def prepare(plan: SweepPlan) -> None:
    """Raises ConfigError for what would go wrong, before a new study is made."""
    check(plan)
    _require_means(plan)


def run_sweep(plan: SweepPlan, study: Study, observer: Observer) -> Store:
    """Runs what is left of the study, whose lock the caller holds, until slots or time are spent.

    KeyboardInterrupt releases the running slot and is raised again.
    """
    _require_means(plan)
    store = open_store(plan.base.config.tracking)
    _release_killed(study)
    parent = open_parent(store, study, plan)
    close_orphans(parent, study)
    try:
        with deferred_signals() as interruption:
            _work(plan, study, parent, observer, interruption)
            interruption.check()
    except BaseException:
        parent.finish("FAILED")
        raise
    parent.finish("FINISHED")
    return store


def _require_means(plan: SweepPlan) -> None:
    """Raises ConfigError when this machine cannot run the plan now, new study or old."""
    if plan.base.config.workers > 1:
        message = f"{plan.base.config.workers} given; a sweep has one worker in this version"
        raise ConfigError(Problem("workers", message))
    require_space(plan.base.config.storage.checkpoints)


def _work(
    plan: SweepPlan,
    study: Study,
    parent: Run,
    observer: Observer,
    interruption: Interruption,
) -> None:
    n_slots, deadline = plan.settings.n_trials, _deadline(plan)
    recipes = {slot: optuna_params(plan, recipe) for slot, recipe in enumerate(plan.recipes)}
    failures_in_a_row = 0
    while time.monotonic() < deadline:
        interruption.check()
        refill(study, n_slots, recipes, queue_length=QUEUE_LENGTH)
        claimed = claim(study, n_slots)
        if claimed is None:
            break
        why = _run_slot(plan, study, claimed, parent, observer, interruption)
        show_best(parent, study)
        failures_in_a_row = failures_in_a_row + 1 if why else 0
        if failures_in_a_row == plan.settings.max_failures_in_a_row:
            raise FinesweepError(f"{failures_in_a_row} trials in a row failed; the last: {why}")


def _run_slot(
    plan: SweepPlan,
    study: Study,
    claimed: FrozenTrial,
    parent: Run,
    observer: Observer,
    interruption: Interruption,
) -> str | None:
    """Runs one claimed trial to its end and tells Optuna; why it failed, if it did.

    Only an interruption is raised.
    """
    study.sampler = sampler_for(plan, claimed.user_attrs[SLOT])
    trial = Trial(study, claimed._trial_id)
    attempt = Attempt(plan, study, trial, observer, interruption)
    try:
        value = attempt.run(parent)
    except TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
        attempt.ended("PRUNED")
    except KeyboardInterrupt:
        _fail(study, trial, "interrupted", retry=True)
        raise
    except Exception as error:
        # One bad trial must not end the sweep: its run holds the traceback.
        _fail(study, trial, reason(error), retry=False)
        attempt.ended("FAIL", why=reason(error))
        return reason(error)
    else:
        study.tell(trial, value)
        keep_best(
            study,
            objective_of(plan),
            root=plan.base.config.storage.checkpoints,
            k=plan.settings.keep_top_k,
        )
        attempt.ended("COMPLETE", value=value)
    return None


def _fail(study: Study, trial: Trial, why: str, *, retry: bool) -> None:
    trial.set_user_attr(REASON, why)
    trial.set_user_attr(RETRY, retry)
    study.tell(trial, state=TrialState.FAIL)


def _release_killed(study: Study) -> None:
    """Fails what a killed process left RUNNING, so that its slots are tried again."""
    for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study._storage.set_trial_user_attr(frozen._trial_id, REASON, "killed")
        study._storage.set_trial_user_attr(frozen._trial_id, RETRY, True)
        study.tell(frozen.number, state=TrialState.FAIL)


def _deadline(plan: SweepPlan) -> float:
    minutes = plan.settings.timeout_minutes
    return float("inf") if minutes is None else time.monotonic() + 60 * minutes
