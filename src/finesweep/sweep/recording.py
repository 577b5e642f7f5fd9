"""What a trial leaves in its MLflow run, and how the run ends."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna import TrialPruned
from transformers import PreTrainedModel

from finesweep.config import Composed
from finesweep.errors import FinesweepError
from finesweep.model import loaded_revision, weights_sha256
from finesweep.records import (
    Objective,
    ParameterCount,
    Predictions,
    SplitName,
    TestResult,
    TextDataset,
    Tokens,
    TrainingResult,
)
from finesweep.tracking import Run, Store, log_classifier, start_run, write_curves, write_split
from finesweep.training import measure, predict, softmax

TRIAL_STATE = "finesweep.trial_state"
REASON_TAG = "finesweep.reason"
N_EXAMPLES = 3
"""Texts of the validation split that a logged model carries as its input example."""


@dataclass(frozen=True)
class Setup:
    """All that a training run starts from."""

    composed: Composed
    dataset: TextDataset
    tokens: Tokens
    model: PreTrainedModel
    parameters: ParameterCount


@contextmanager
def recorded(
    setup: Setup, store: Store, *, tags: Mapping[str, Any], parent_run_id: str | None
) -> Iterator[Run]:
    """A run that ends FINISHED, KILLED when pruned, or FAILED with the reason as a tag."""
    run = _start(setup, store, tags=tags, parent_run_id=parent_run_id)
    try:
        yield run
    except TrialPruned:
        run.set_tags({TRIAL_STATE: "PRUNED"})
        run.finish("KILLED")
        raise
    except BaseException as error:
        run.set_tags({TRIAL_STATE: "FAIL", REASON_TAG: reason(error)})
        if not isinstance(error, FinesweepError | KeyboardInterrupt):
            run.log_text(traceback.format_exc(), "failure.txt")
        run.finish("FAILED")
        raise
    run.set_tags({TRIAL_STATE: "COMPLETE"})
    run.finish("FINISHED")


def reason(error: BaseException) -> str:
    """One line that says why a run failed."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    text = " ".join(str(error).split())
    return text if isinstance(error, FinesweepError) else f"{type(error).__name__}: {text}"


def log_result(run: Run, setup: Setup, result: TrainingResult, *, objective: Objective) -> None:
    """Pictures, tables and predictions of the best evaluation, and its metrics as the run's own.

    MLflow shows a metric's latest value, which is the last evaluation's; so the best one's are
    logged once more at the last step, and the table of runs agrees with the confusion matrix.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_curves(Path(folder), result, objective, title=setup.dataset.name)
        _write_split(Path(folder), "validation", result.validation, setup.dataset)
        run.log_folder(Path(folder))
    run.set_tags({"finesweep.best_step": result.best.step})
    if result.best != result.evaluations[-1]:
        run.log_metrics(result.best.metrics, step=result.evaluations[-1].step)


def log_test(run: Run, setup: Setup) -> TestResult:
    """The one look at the test split, now in the run, and the model, now logged."""
    config, tokens = setup.composed.config, setup.tokens
    predictions = predict(setup.model, tokens.test, tokens.tokenizer, config.training)
    metrics = measure(predictions, "test")
    with tempfile.TemporaryDirectory() as folder:
        _write_split(Path(folder), "test", predictions, setup.dataset)
        run.log_folder(Path(folder))
    run.log_metrics(metrics, step=config.training.epochs * len(tokens.train))
    uri = log_classifier(
        run,
        setup.model,
        tokens.tokenizer,
        max_length=tokens.max_length,
        examples=setup.dataset.validation["text"][:N_EXAMPLES],
    )
    return TestResult(metrics, uri)


def _start(
    setup: Setup, store: Store, *, tags: Mapping[str, Any], parent_run_id: str | None
) -> Run:
    composed, parameters = setup.composed, setup.parameters
    config = composed.config
    provenance = {
        "finesweep.data_fingerprint": setup.dataset.fingerprint,
        "finesweep.model_revision": loaded_revision(config.model) or config.model.revision,
        "finesweep.weights_sha256": weights_sha256(setup.model),
    }
    counts = {
        "parameters.trainable": parameters.trainable,
        "parameters.frozen": parameters.frozen,
    }
    run = start_run(
        store,
        name=_name(composed, tags),
        parent_run_id=parent_run_id,
        tags={**tags, **provenance},
        params={**composed.choices, **composed.flat(), **counts},
    )
    run.log_dataset(setup.dataset, source=config.dataset.hub or config.dataset.path or "files")
    run.log_text(composed.yaml(), "config.yaml")
    return run


def _name(composed: Composed, tags: Mapping[str, Any]) -> str:
    model = composed.choices.get("model", composed.config.model.name_or_path)
    number = tags.get("finesweep.trial_number")
    return f"{model} on {composed.config.dataset.name}" if number is None else f"{number} {model}"


def _write_split(
    folder: Path, split: SplitName, predictions: Predictions, dataset: TextDataset
) -> None:
    write_split(
        folder,
        split,
        predictions,
        probabilities=softmax(predictions.logits),
        texts=dataset.split(split)["text"],
        label_names=dataset.label_names,
    )
