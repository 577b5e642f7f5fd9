"""The sweep's baseline in a run of its own, and whether the winner beats it on the test rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from finesweep.runs.run_logging import Setup, write_split_of
from finesweep.stats.paired_tests import gained_and_lost, mcnemar
from finesweep.stats.predictions import correct_rows
from finesweep.sweep.comparisons import BaselineResult
from finesweep.tracking import PARENT, Run, find_runs, start_run
from finesweep.tracking.tags import TRIAL_STATE
from finesweep.training import compute_metrics, fit_baseline

KIND = "baseline"


def compare_with_baseline(
    parent: Run, setup: Setup, right: np.ndarray, *, sweep: str
) -> BaselineResult:
    """The baseline's result beside the winner's; right [N] are the test rows the winner gets right.

    One run for each sweep: an interrupted one is replaced.
    """
    for run in find_runs(parent.store, {PARENT: parent.run_id, "finesweep.kind": KIND}):
        parent.store.client.delete_run(run.run_id)
    made, dataset = fit_baseline(setup.dataset), setup.dataset
    validation = compute_metrics(made.validation, "validation")
    test = compute_metrics(made.test, "test")
    run = start_run(
        parent.store,
        name="TF-IDF, logistic regression",
        parent_run_id=parent.run_id,
        tags={"finesweep.kind": KIND, "finesweep.sweep": sweep},
    )
    with tempfile.TemporaryDirectory() as folder:
        write_split_of(Path(folder), "validation", made.validation, dataset)
        write_split_of(Path(folder), "test", made.test, dataset)
        run.log_folder(Path(folder))
    run.log_params({"baseline.ngrams": ", ".join(made.kinds)})
    run.log_metrics(validation | test | {"seconds/training": made.seconds}, step=len(dataset.train))
    run.set_tags({TRIAL_STATE: "COMPLETE"})
    run.finish("FINISHED")
    n_gained, n_lost = map(len, gained_and_lost(right, correct_rows(made.test)))
    return BaselineResult(
        run_id=run.run_id,
        validation_metrics=validation,
        test_metrics=test,
        seconds=made.seconds,
        n_gained=n_gained,
        n_lost=n_lost,
        p=mcnemar(n_gained, n_lost),
        kinds=made.kinds,
    )
