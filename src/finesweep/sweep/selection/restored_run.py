"""The run of the winner's weights: its trial's, rebuilt after it was deleted, or a new one for its
seeds combined."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finesweep.records import Predictions
from finesweep.runs.repetition import MEMBERS
from finesweep.runs.run_logging import Setup, log_setup, write_split_of
from finesweep.runs.run_name import run_name
from finesweep.sweep.selection.combination import ENSEMBLE, Combination
from finesweep.sweep.selection.confirmation import Winner
from finesweep.sweep.study.keys import ATTEMPT, ORIGIN, SLOT, VALUES
from finesweep.sweep.study.trial_runs import run_of
from finesweep.tracking import STATUS_OF, Run, find_runs, start_run
from finesweep.tracking.tags import ORIGIN_TAG, REASON_TAG, TRIAL_STATE
from finesweep.training import compute_metrics

WHY = "rebuilt from the trial's weights: its first run was deleted"


def run_of_winner(parent: Run, winner: Winner, setup: Setup, validation: Predictions) -> Run:
    """A finished run with the winner's config and validation, found by its uid or made now."""
    store = parent.store
    if winner.combination is None:
        found = run_of(store, winner.study.uid, winner.best.number)
        return found or restore_run(parent, winner, setup, validation)
    for run in find_runs(store, {"finesweep.uid": winner.uid}):
        if store.client.get_run(run.run_id).info.status == "FINISHED":
            return run
        store.client.delete_run(run.run_id)  # begun by a process that was killed
    return _combined_run(parent, winner, winner.combination, setup, validation)


def restore_run(parent: Run, winner: Winner, setup: Setup, validation: Predictions) -> Run:
    """A finished run with the winner's config and validation; the curves are lost.

    It has the trial's uid, so it is found as the first one was.
    """
    trial, is_seed = winner.best, winner.row is not None
    tags = {
        "finesweep.kind": "confirmation" if is_seed else "trial",
        "finesweep.trial_number": trial.number,
        "finesweep.slot": trial.user_attrs[SLOT],
        "finesweep.attempt": trial.user_attrs[ATTEMPT],
        REASON_TAG: WHY,
        **({ORIGIN_TAG: trial.user_attrs[ORIGIN]} if ORIGIN in trial.user_attrs else {}),
    }
    return _made_run(parent, winner, str(winner.trial), tags, setup, validation)


def _combined_run(
    parent: Run,
    winner: Winner,
    combination: Combination,
    setup: Setup,
    validation: Predictions,
) -> Run:
    runs = (run_of(parent.store, winner.study.uid, each) for each in combination.members)
    tags = {
        "finesweep.kind": "ensemble" if combination.chosen == ENSEMBLE else "soup",
        MEMBERS: " ".join(run.run_id for run in runs if run is not None),
    }
    name = f"{winner.trial} {combination.chosen} of {len(combination.members)}"
    return _made_run(parent, winner, name, tags, setup, validation)


def _made_run(
    parent: Run,
    winner: Winner,
    name: str,
    own: Mapping[str, Any],
    setup: Setup,
    validation: Predictions,
) -> Run:
    trial = winner.best
    tags = {
        "finesweep.uid": winner.uid,
        "finesweep.data_fingerprint": setup.dataset.fingerprint,
        TRIAL_STATE: trial.state.name,
        **({"finesweep.confirms": winner.trial} if winner.row is not None else {}),
        **own,
    }
    name = run_name(setup.composed, name, trial.user_attrs[VALUES])
    run = start_run(parent.store, name=name, parent_run_id=parent.run_id, tags=tags)
    log_setup(run, setup)
    with tempfile.TemporaryDirectory() as folder:
        path, tokens = Path(folder), setup.tokens
        write_split_of(path, "validation", validation, setup.dataset, tokens=tokens)
        run.log_folder(path)
    step = max(trial.intermediate_values, default=0)
    run.log_metrics(compute_metrics(validation, "validation"), step=step)
    run.finish(STATUS_OF[trial.state.name])
    return run
