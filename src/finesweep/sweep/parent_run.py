"""The sweep's parent run in MLflow: one per study, above the runs of its trials."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import yaml
from optuna import Study
from optuna.trial import TrialState

from finesweep.config import SweepPlan, plain_path
from finesweep.errors import reason
from finesweep.locks import exclusive
from finesweep.runs.run_name import PRUNED
from finesweep.sweep.status import spent
from finesweep.sweep.study.keys import BEST_RUN, DEFINITION, PARENT_RUN_ID, UID
from finesweep.sweep.study.objectives.front import Front, front_of
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.ranking import direction_of, ranked
from finesweep.sweep.study.study import data_notes_of
from finesweep.sweep.study.teachers import with_teachers
from finesweep.sweep.study.trial_runs import run_of
from finesweep.sweep.study.workers import live_workers
from finesweep.tracking import (
    PARENT,
    STATUS_OF,
    Run,
    TrackingStore,
    active_run,
    find_runs,
    open_store,
    reopen,
    start_run,
)
from finesweep.tracking.tags import (
    DATA_NOTES_TAG,
    FRONT_TAG,
    OBJECTIVES_TAG,
    REASON_TAG,
    RUN_NAME_TAG,
    TRIAL_STATE,
)


def open_parent(store: TrackingStore, study: Study, plan: SweepPlan) -> Run:
    """The parent run, RUNNING: created once and then found by the study's uid.

    If it was deleted, or the experiment has changed, a new one is created and the runs of the
    study's trials are moved under it. Callers hold a lock.
    """
    tags = {"finesweep.kind": "sweep", "finesweep.uid": study.user_attrs[UID]}
    runs = find_runs(store, tags)
    if runs:
        reopen(runs[0])
        parent = runs[0]
    else:
        tags["finesweep.sweep"] = study.study_name
        parent = start_run(store, name=study.study_name, tags=tags)
    former = study.user_attrs.get(PARENT_RUN_ID)
    if former != parent.run_id:
        study.set_user_attr(PARENT_RUN_ID, parent.run_id)
        for child in find_runs(store, {PARENT: former}) if former else ():
            child.set_tags({PARENT: parent.run_id})
    parent.log_text(definition_text(study, plan), "sweep.yaml")
    return parent


@contextmanager
def parent_of(plan: SweepPlan, study: Study) -> Iterator[Run]:
    """The parent run, RUNNING in the context; FAILED with the reason when the sweep stops early.

    The worker that registers the winner ends it as FINISHED.
    """
    store = open_store(plan.base.config.tracking)
    try:
        yield find_or_start_parent(store, study, plan)
    except BaseException as error:
        if (parent := _current_parent(store, study)) and not live_workers(study):
            parent.set_tags({REASON_TAG: reason(error)})
            parent.finish("FAILED")
        raise
    if parent := _current_parent(store, study):
        parent.finish("FINISHED")


def find_or_start_parent(store: TrackingStore, study: Study, plan: SweepPlan) -> Run:
    """The parent run, RUNNING; one process at a time finds or creates it."""
    with exclusive(engine_of(study), f"{study.study_name}.parent"):
        return open_parent(store, study, plan)


def _current_parent(store: TrackingStore, study: Study) -> Run | None:
    """The parent run that the study names; None if it was deleted meanwhile."""
    return active_run(store, study.user_attrs.get(PARENT_RUN_ID))


def definition_text(study: Study, plan: SweepPlan) -> str:
    """The sweep's definition, file and command line merged, and its teachers' versions, as YAML."""
    budget = {"study": study.study_name, "n_trials": plan.settings.n_trials}
    teachers = with_teachers(plan, study.user_attrs).teachers
    fixed = {"teachers": dict(teachers)} if teachers else {}
    whole = budget | study.user_attrs[DEFINITION] | fixed
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)


def close_orphans(parent: Run, study: Study) -> None:
    """Ends runs that are still RUNNING although their trials have ended in Optuna."""
    uid = study.user_attrs[UID]
    states = {f"{uid}/{t.number}": t for t in study.get_trials(deepcopy=False)}
    store = parent.store
    for run in find_runs(store, {PARENT: parent.run_id}, running=True):
        found = store.client.get_run(run.run_id)
        trial = states.get(found.data.tags.get("finesweep.uid", ""))
        if trial is not None and trial.state.is_finished():
            tags = {TRIAL_STATE: trial.state.name}
            if trial.state == TrialState.PRUNED:
                tags[RUN_NAME_TAG] = f"{found.info.run_name.removesuffix(PRUNED)}{PRUNED}"
            run.set_tags(tags)
            run.finish(STATUS_OF[trial.state.name])


def show_best(store: TrackingStore, study: Study) -> None:
    """Logs the best trial so far and the data notes on the parent run, for MLflow's run table."""
    trials = study.get_trials(deepcopy=False)
    searched = ranked(trials, direction_of(study))
    if searched:
        best, parent = searched[0], Run(store, study.user_attrs[PARENT_RUN_ID])
        run = run_of(store, study.user_attrs[UID], best.number)
        if run:
            study.set_user_attr(BEST_RUN, {"trial": best.number, "run_id": run.run_id})
        parent.set_tags(
            {
                DATA_NOTES_TAG: "\n".join(data_notes_of(study)),
                "finesweep.best_trial": best.number,
                "finesweep.best_run_id": run.run_id if run else "",
                "finesweep.best_params": json.dumps(
                    {plain_path(name): value for name, value in best.params.items()}
                ),
            }
        )
        assert best.value is not None  # it is complete
        best_value = {f"best/{_metric(study)}": best.value}
        parent.log_metrics(best_value | spent(trials), step=len(searched))
        if (front := front_of(trials, study.user_attrs)) is not None:
            _show_front(parent, study, front)


def _show_front(parent: Run, study: Study, front: Front) -> None:
    """Tags the runs of the trials on the front, and those that were on it before."""
    tagged = find_runs(parent.store, {PARENT: parent.run_id, FRONT_TAG: "yes"})
    before = {run.run_id: run for run in tagged}
    for number in front.members:
        run = run_of(parent.store, study.user_attrs[UID], number)
        if run is not None and before.pop(run.run_id, None) is None:
            run.set_tags({FRONT_TAG: "yes"})
    for run in before.values():
        run.set_tags({FRONT_TAG: "no"})
    parent.set_tags(
        {
            OBJECTIVES_TAG: "\n".join(each.metric for each in front.objectives),
            "finesweep.front_trials": ", ".join(map(str, front.members)),
        }
    )


def _metric(study: Study) -> str:
    return str(study.user_attrs[DEFINITION]["sweep.metric"])
