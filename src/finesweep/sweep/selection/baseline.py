"""The sweep's baseline, logged as its own run, and whether the winner beats it on the test rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from finesweep.runs.run_logging import Setup, log_data, write_split_of
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
    """The baseline's result, compared with the winner's; right [N] bool marks the test rows that
    the winner gets right.

    One run per sweep: an interrupted one is replaced.
    """
    for run in find_runs(parent.store, {PARENT: parent.run_id, "finesweep.kind": KIND}):
        parent.store.client.delete_run(run.run_id)
    baseline, dataset = fit_baseline(setup.dataset), setup.dataset
    validation = compute_metrics(baseline.validation, "validation")
    test = compute_metrics(baseline.test, "test")
    run = start_run(
        parent.store,
        name="TF-IDF, logistic regression",
        parent_run_id=parent.run_id,
        tags={
            "finesweep.kind": KIND,
            "finesweep.sweep": sweep,
            "finesweep.data_fingerprint": dataset.fingerprint,
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        write_split_of(Path(folder), "validation", baseline.validation, dataset)
        write_split_of(Path(folder), "test", baseline.test, dataset)
        run.log_folder(Path(folder))
    log_data(run, setup)
    run.log_params({"baseline.ngrams": ", ".join(baseline.kinds)})
    run.log_metrics(
        validation | test | {"seconds/training": baseline.seconds}, step=len(dataset.train)
    )
    run.set_tags({TRIAL_STATE: "COMPLETE"})
    run.finish("FINISHED")
    n_gained, n_lost = map(len, gained_and_lost(right, correct_rows(baseline.test)))
    return BaselineResult(
        run_id=run.run_id,
        validation_metrics=validation,
        test_metrics=test,
        seconds=baseline.seconds,
        n_gained=n_gained,
        n_lost=n_lost,
        p=mcnemar(n_gained, n_lost),
        kinds=baseline.kinds,
    )
