"""Stops all workers of a sweep, and deletes sweeps."""

from __future__ import annotations

import shutil
from pathlib import Path

import optuna
from optuna import Study

from finesweep.config import Config
from finesweep.errors import FinesweepError
from finesweep.sweep.selection.state import studies_of
from finesweep.sweep.status import command_of
from finesweep.sweep.study.keys import PARENT_RUN_ID, STOP
from finesweep.sweep.study.leases import forget_study
from finesweep.sweep.study.optuna_private import engine_of, storage_of
from finesweep.sweep.study.study import find_study
from finesweep.sweep.study.workers import live_workers

STOPPED = "stopped by finesweep stop"
"""Start of the reason for which a study is stopped, before its name."""


def stop(name: str, url: str) -> tuple[int, str]:
    """Asks all workers to finish their slot and exit; returns their number and the command that
    resumes the sweep."""
    study = find_study(name, url)
    study.set_user_attr(STOP, f"{STOPPED} {name}")
    return len(live_workers(study)), command_of(study)


def delete_study(study: Study, config: Config, *, runs: bool) -> int:
    """Deletes the study and its checkpoints; returns the number of deleted MLflow runs.

    Registered models are kept: they belong to their users. FinesweepError while workers run.
    """
    if n_workers := len(live_workers(study)):
        command = f"finesweep stop {study.study_name}"
        raise FinesweepError(f"{n_workers} workers are running; stop them first: {command}")
    n_runs = _delete_runs(study, config) if runs else 0
    # The search's study last: if this is cut off, the next delete still finds the rest.
    for each in reversed(studies_of(study).values()):
        shutil.rmtree(Path(config.storage.checkpoints) / each.study_name, ignore_errors=True)
        forget_study(engine_of(each), each.study_name)
        optuna.delete_study(study_name=each.study_name, storage=storage_of(each))
    return n_runs


def _delete_runs(study: Study, config: Config) -> int:
    from finesweep.tracking import PARENT, find_runs, open_store

    parent_run_id = study.user_attrs.get(PARENT_RUN_ID)
    if parent_run_id is None:
        return 0
    store = open_store(config.tracking)
    run_ids = [run.run_id for run in find_runs(store, {PARENT: parent_run_id})]
    for run_id in [*run_ids, parent_run_id]:
        store.client.delete_run(run_id)
    return len(run_ids) + 1
