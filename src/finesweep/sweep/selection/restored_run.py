"""A trial's run, rebuilt from its weights after the first one was deleted in MLflow."""

from __future__ import annotations

import tempfile
from pathlib import Path

from finesweep.records import Predictions
from finesweep.runs.run_logging import Setup, log_setup, write_split_of
from finesweep.runs.run_name import run_name
from finesweep.sweep.selection.confirmation import Winner
from finesweep.sweep.study.keys import ATTEMPT, ORIGIN, SLOT, VALUES
from finesweep.tracking import STATUS_OF, Run, start_run
from finesweep.tracking.tags import ORIGIN_TAG, REASON_TAG, TRIAL_STATE
from finesweep.training import compute_metrics

WHY = "rebuilt from the trial's weights: its first run was deleted"


def restore_run(
    parent: Run, winner: Winner, setup: Setup, validation: Predictions, *, sweep: str
) -> Run:
    """A finished run with the winner's config and validation; the curves are lost.

    It has the trial's uid, so it is found as the first one was.
    """
    trial, is_seed = winner.best, winner.row is not None
    tags = {
        "finesweep.kind": "confirmation" if is_seed else "trial",
        "finesweep.sweep": sweep,
        "finesweep.uid": winner.uid,
        "finesweep.trial_number": trial.number,
        "finesweep.slot": trial.user_attrs[SLOT],
        "finesweep.attempt": trial.user_attrs[ATTEMPT],
        "finesweep.data_fingerprint": setup.dataset.fingerprint,
        TRIAL_STATE: trial.state.name,
        REASON_TAG: WHY,
        **({"finesweep.confirms": winner.trial} if is_seed else {}),
        **({ORIGIN_TAG: trial.user_attrs[ORIGIN]} if ORIGIN in trial.user_attrs else {}),
    }
    name = run_name(setup.composed, str(winner.trial), trial.user_attrs[VALUES])
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
