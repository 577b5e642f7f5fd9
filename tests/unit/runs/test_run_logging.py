"""What a run logs about itself, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finesweep.errors import FinesweepError
from finesweep.ledger import TimeLedger
from finesweep.records import Evaluation, Objective, Predictions, TrainingResult
from finesweep.runs.run_logging import Setup, log_result, tracked_run
from finesweep.tracking import Run, TrackingStore, start_run

pytestmark = pytest.mark.slow

LOSS = "validation/loss"


def artifacts(run: Run, folder: str | None = None) -> set[str]:
    return {each.path for each in run.store.client.list_artifacts(run.run_id, folder)}


def record(setup: Setup) -> Run:
    """A run without errors."""
    ledger = TimeLedger()
    ledger.seconds["training"] = 2.0
    with tracked_run(setup, tags={"finesweep.kind": "train"}, ledger=ledger) as run:
        pass
    return run


def test_a_run_says_what_it_started_from(setup: Setup) -> None:
    run = record(setup)
    found = run.store.client.get_run(run.run_id)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "minilm on local"
    tags, params = found.data.tags, found.data.params
    assert (tags["finesweep.kind"], tags["finesweep.trial_state"]) == ("train", "COMPLETE")
    assert tags["finesweep.data_fingerprint"] == setup.dataset.fingerprint
    assert "carved from train" in tags["finesweep.data_notes"]
    assert len(tags["finesweep.weights_sha256"]) == 64
    assert (params["training.epochs"], params["dataset"]) == ("2", "local")
    assert params["parameters.trainable"] == str(setup.parameters.trainable)
    assert found.data.metrics["seconds/training"] == 2.0
    assert [each.dataset.name for each in found.inputs.dataset_inputs] == ["local"]
    assert artifacts(run) == {"config.yaml"}


def test_passwords_are_in_neither_params_nor_config(setup: Setup) -> None:
    run = record(setup)
    params = run.store.client.get_run(run.run_id).data.params
    assert params["storage.url"] == "postgresql://ada:***@db/optuna"
    config = Path(run.store.client.download_artifacts(run.run_id, "config.yaml"))
    assert "secret" not in config.read_text(encoding="utf-8") + str(params)


@pytest.mark.parametrize(
    ("error", "reason", "has_traceback"),
    [
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero", True),
        (FinesweepError("no such file"), "no such file", False),
        (KeyboardInterrupt(), "interrupted", False),
    ],
)
def test_a_run_that_fails_says_why(
    setup: Setup, error: BaseException, reason: str, has_traceback: bool
) -> None:
    with pytest.raises(type(error)), tracked_run(setup, tags={}, ledger=TimeLedger()) as run:
        raise error
    found = run.store.client.get_run(run.run_id)
    tags = found.data.tags
    assert (found.info.status, tags["finesweep.trial_state"]) == ("FAILED", "FAIL")
    assert tags["finesweep.reason"] == reason
    assert ("failure.txt" in artifacts(run)) is has_traceback
    assert "seconds/training" in found.data.metrics


def evaluation(step: int, loss: float) -> Evaluation:
    return Evaluation(step, step / 192, {LOSS: loss, "train/loss": loss})


@pytest.mark.parametrize("best", [0, 1])
def test_a_run_shows_the_best_evaluation_and_not_the_last(
    setup: Setup, store: TrackingStore, best: int
) -> None:
    evaluations = (evaluation(192, 0.5 + best), evaluation(384, 0.75))
    labels = np.arange(24) % 3
    validation = Predictions(np.tile(np.float32([0, 0, 5]), (24, 1)), labels)
    result = TrainingResult(evaluations, evaluations[best], validation, stopped_early=False)
    run = start_run(store, name="shown")
    for each in evaluations:
        run.log_evaluation(each)
    log_result(run, setup, result, objective=Objective())
    found = store.client.get_run(run.run_id)
    values: dict[str, Any] = found.data.metrics
    assert values[LOSS] == evaluations[best].metrics[LOSS]
    assert len(store.client.get_metric_history(run.run_id, LOSS)) == 3 - best
    assert found.data.tags["finesweep.best_step"] == str(evaluations[best].step)
    assert "plain" in found.data.tags["finesweep.one_answer"]
    assert artifacts(run) == {"curves.png", "validation"}
    assert "validation/predictions.parquet" in artifacts(run, "validation")
