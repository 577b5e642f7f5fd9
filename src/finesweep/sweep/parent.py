"""The sweep's own MLflow run: one per study, above the runs of its trials."""

from __future__ import annotations

import json

import yaml
from optuna import Study
from optuna.trial import TrialState

from finesweep.config import SweepPlan, plain_path
from finesweep.sweep.attributes import DEFINITION, PARENT_RUN_ID, RUN_ID, UID
from finesweep.sweep.recording import REASON_TAG, TRIAL_STATE
from finesweep.tracking import PARENT, STATUS_OF, Run, Store, find_runs, reopen, start_run


def open_parent(store: Store, study: Study, plan: SweepPlan) -> Run:
    """The parent run, RUNNING: made once and found again by the study's own id."""
    tags = {"finesweep.kind": "sweep", "finesweep.uid": study.user_attrs[UID]}
    found = find_runs(store, tags)
    if found:
        reopen(found[0])
        parent = found[0]
    else:
        tags["finesweep.sweep"] = study.study_name
        parent = start_run(store, name=study.study_name, tags=tags)
    if study.user_attrs.get(PARENT_RUN_ID) != parent.run_id:
        study.set_user_attr(PARENT_RUN_ID, parent.run_id)
    parent.log_text(definition_text(study, plan), "sweep.yaml")
    return parent


def definition_text(study: Study, plan: SweepPlan) -> str:
    """The sweep as it runs, file and command line together, as YAML."""
    budget = {"study": study.study_name, "n_trials": plan.settings.n_trials}
    return yaml.safe_dump(
        budget | study.user_attrs[DEFINITION], sort_keys=False, allow_unicode=True
    )


def close_orphans(parent: Run, study: Study) -> None:
    """Ends runs that a killed process left RUNNING, as Optuna knows that their trials ended."""
    states = {t.user_attrs.get(RUN_ID): t.state.name for t in study.get_trials(deepcopy=False)}
    for run in find_runs(parent.store, {PARENT: parent.run_id}, running=True):
        state = states.get(run.run_id, "FAIL")
        tags_of_end = {TRIAL_STATE: state} | ({REASON_TAG: "killed"} if state == "FAIL" else {})
        run.set_tags(tags_of_end)
        run.finish(STATUS_OF[state])


def show_best(parent: Run, study: Study) -> None:
    """Puts the best trial so far on the parent, where MLflow's table of runs shows it."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if complete:
        best = study.best_trial
        parent.set_tags(
            {
                "finesweep.best_trial": best.number,
                "finesweep.best_run_id": best.user_attrs[RUN_ID],
                "finesweep.best_params": json.dumps(
                    {plain_path(name): value for name, value in best.params.items()}
                ),
            }
        )
        parent.log_metrics({f"best/{_metric(study)}": study.best_value}, step=len(complete))


def _metric(study: Study) -> str:
    return str(study.user_attrs[DEFINITION]["sweep.metric"])
