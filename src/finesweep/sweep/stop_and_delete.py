"""Stopping all workers of a sweep, and removing what a sweep left."""

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


def stop(name: str, url: str) -> tuple[int, str]:
    """How many workers are asked to finish their slot and leave, and the command that goes on."""
    study = find_study(name, url)
    study.set_user_attr(STOP, f"stopped by finesweep stop {name}")
    return len(live_workers(study)), command_of(study)


def delete_study(study: Study, config: Config, *, runs: bool) -> int:
    """Number of MLflow runs removed; FinesweepError while workers are at it.

    Registered models stay: they belong to those who use them.
    """
    if n_workers := len(live_workers(study)):
        first = f"finesweep stop {study.study_name}"
        raise FinesweepError(f"{n_workers} workers are at it; first: {first}")
    n_runs = _delete_runs(study, config) if runs else 0
    # The search's own last: until then another delete finds what this one left.
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
    found = [run.run_id for run in find_runs(store, {PARENT: parent_run_id})]
    for run_id in [*found, parent_run_id]:
        store.client.delete_run(run_id)
    return len(found) + 1
