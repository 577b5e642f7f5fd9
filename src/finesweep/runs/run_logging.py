"""Logging of a run to MLflow: its setup, results and end."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from finesweep.config import Composed
from finesweep.databases import hidden_password
from finesweep.errors import FinesweepError, reason
from finesweep.ledger import TimeLedger
from finesweep.model import Ensemble, ParameterCount, loaded_revision, starting_sha256
from finesweep.records import Objective, Predictions, SplitName, TextDataset, Tokens, TrainingResult
from finesweep.runs.evaluation_files import write_curves, write_split
from finesweep.runs.run_name import run_name
from finesweep.stats.constant_prediction import constant_prediction
from finesweep.stats.overfitting import overfitting
from finesweep.stats.predictions import probabilities_of
from finesweep.tracking import Run, RunLog, open_store, start_run
from finesweep.tracking.tags import DATA_NOTES_TAG, REASON_TAG, TRIAL_STATE
from finesweep.training import (
    ActivationPlan,
    Schedule,
    device_name,
    resolve_precision,
    rows_cut,
    run_schedule,
)

BEST_STEP = "finesweep.best_step"
OVERFITTING = "finesweep.overfitting"
"""Tag of a run whose validation loss rose while its train loss fell: by how much."""
ONE_ANSWER = "finesweep.one_answer"
"""Tag of a run that predicts the same for every validation row: the prediction."""


@dataclass(frozen=True)
class Setup:
    """The inputs of a training run."""

    composed: Composed
    dataset: TextDataset
    tokens: Tokens
    model: PreTrainedModel | Ensemble
    parameters: ParameterCount
    activation_plan: ActivationPlan | None = None
    """The decision about the activation cache."""

    @property
    def schedule(self) -> Schedule:
        """When a run on these tokens evaluates."""
        return run_schedule(self.composed.config.training, len(self.tokens.train))


@contextmanager
def tracked_run(
    setup: Setup, *, tags: Mapping[str, Any], ledger: TimeLedger, name: str | None = None
) -> Iterator[Run]:
    """A new run that ends FINISHED, or FAILED with the reason as a tag; named after its model and
    data unless a name is given."""
    store = open_store(setup.composed.config.tracking)
    run = start_run(store, name=name or run_name(setup.composed), tags={**tags, **origin(setup)})
    try:
        log_setup(run, setup)
        yield run
    except BaseException as error:
        run.set_tags({TRIAL_STATE: "FAIL", REASON_TAG: reason(error)})
        log_traceback(run, error)
        log_ledger(run, ledger)
        run.finish("FAILED")
        raise
    log_ledger(run, ledger)
    run.set_tags({TRIAL_STATE: "COMPLETE"})
    run.finish("FINISHED")


def origin(setup: Setup) -> dict[str, Any]:
    """Provenance tags: data, starting weights, device, precision and threads."""
    config, notes = setup.composed.config, setup.dataset.notes
    return {
        "finesweep.data_fingerprint": setup.dataset.fingerprint,
        **({DATA_NOTES_TAG: "\n".join(notes)} if notes else {}),
        "finesweep.model_revision": loaded_revision(config.model) or config.model.revision,
        "finesweep.weights_sha256": starting_sha256(setup.model),
        "finesweep.device": device_name(),
        "finesweep.precision": resolve_precision(config.training.precision),
        "finesweep.threads": torch.get_num_threads(),
    }


def log_setup(run: RunLog, setup: Setup) -> None:
    """Logs params, data and config of the run."""
    composed, parameters = setup.composed, setup.parameters
    counts = {
        "parameters.trainable": parameters.trainable,
        "parameters.frozen": parameters.frozen,
    }
    params = {
        **composed.choices,
        **composed.flat(),
        **counts,
        "activation_cache": setup.activation_plan,
    }
    run.log_params({k: hidden_password(str(v)) for k, v in params.items()})
    log_data(run, setup)
    run.log_text(hidden_password(composed.yaml()), "config.yaml")


def log_data(run: RunLog, setup: Setup) -> None:
    """Logs the dataset as an input of the run."""
    config = setup.composed.config.dataset
    run.log_dataset(setup.dataset, source=config.hub or config.path or "files")


def log_ledger(run: RunLog, ledger: TimeLedger) -> None:
    """Logs the run's seconds by part."""
    run.log_metrics(ledger.metrics(), step=ledger.n_examples)


def log_traceback(run: RunLog, error: BaseException) -> None:
    """Logs failure.txt, for errors that one line does not explain."""
    if not isinstance(error, FinesweepError | KeyboardInterrupt):
        run.log_text("".join(traceback.format_exception(error)), "failure.txt")


def log_result(run: RunLog, setup: Setup, result: TrainingResult, *, objective: Objective) -> None:
    """Logs figures, tables, predictions and metrics of the best evaluation.

    MLflow shows a metric's latest value, which is the last evaluation's; so the best one's are
    logged once more at the last step, and the table of runs agrees with the confusion matrix.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_curves(Path(folder), result, objective, title=setup.dataset.name)
        write_split_of(
            Path(folder), "validation", result.validation, setup.dataset, tokens=setup.tokens
        )
        run.log_folder(Path(folder))
    overfit = overfitting(setup.schedule.at_examples_seen(result.evaluations))
    constant = constant_prediction(result.validation, setup.dataset.label_names)
    tags = {BEST_STEP: result.best.step, OVERFITTING: overfit, ONE_ANSWER: constant}
    run.set_tags({name: str(value) for name, value in tags.items() if value is not None})
    if result.best != result.evaluations[-1]:
        run.log_metrics(result.best.metrics, step=result.evaluations[-1].step)


def write_split_of(
    folder: Path,
    split: SplitName,
    predictions: Predictions,
    dataset: TextDataset,
    *,
    tokens: Tokens | None = None,
) -> list[dict[str, Any]]:
    """The split's errors, worst first; also writes its files to folder. With tokens, truncated
    texts are marked."""
    return write_split(
        folder,
        split,
        predictions,
        probabilities=probabilities_of(predictions.logits, multi_label=predictions.multi_label),
        texts=dataset.split(split)["text"],
        label_names=dataset.label_names,
        is_cut=None if tokens is None else rows_cut(tokens, split),
    )
