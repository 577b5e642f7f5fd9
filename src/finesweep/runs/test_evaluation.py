"""The single evaluation of the test split: scores with intervals, figures, and the logged model.

The decision rule, temperature and thresholds, is fitted on the validation split beforehand, and
saved in the model's config.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from finesweep.model import Ensemble, size_bytes
from finesweep.records import ANSWERING_KEY, DecisionRule, Predictions, TestResult, TextDataset
from finesweep.runs.data_card import FILE, data_card
from finesweep.runs.evaluation_files import write_answers, write_readable_json, write_split
from finesweep.runs.latency import Latency, measure_latency
from finesweep.runs.run_logging import Setup
from finesweep.runs.run_summary import doubts, summary
from finesweep.stats.calibration import apply_thresholds, calibrate, calibration_error, is_confident
from finesweep.stats.predictions import (
    are_correct,
    is_multi_label,
    log_probabilities_of,
    probabilities_of,
)
from finesweep.stats.scores import score_intervals
from finesweep.tracking import TEST_FINGERPRINT, Run, count_test_evaluations
from finesweep.tracking.models.classifier import log_classifier
from finesweep.tracking.models.ensemble import log_ensemble
from finesweep.training import compute_metrics, confusion, predict, rows_cut

N_EXAMPLES = 3
"""Number of validation texts in a logged model's input example."""


def evaluate_on_test(run: Run, setup: Setup, validation: Predictions) -> TestResult:
    """The test result; also logs it and the model, and counts the evaluation of these test rows.

    validation are the same model's predictions for the validation split.
    """
    config, tokens, dataset = setup.composed.config, setup.tokens, setup.dataset
    minimum = config.training.uncertain_below
    fitted = calibrate(validation.logits, validation.labels, min_confidence=minimum)
    decision_rule = replace(fitted, clean=tuple(config.dataset.clean), pairs=dataset.pairs)
    setattr(setup.model.config, ANSWERING_KEY, asdict(decision_rule))
    run.set_tags({TEST_FINGERPRINT: dataset.test_fingerprint})
    look = count_test_evaluations(run.store, dataset.test_fingerprint)
    predictions = predict(setup.model, tokens.test, tokens, config.training)
    latency = measure_latency(setup.model, tokens.tokenizer, dataset, max_length=tokens.max_length)
    with tempfile.TemporaryDirectory() as folder:
        scores = write_test_scores(
            Path(folder),
            predictions,
            dataset,
            decision_rule=decision_rule,
            is_cut=rows_cut(tokens, "test"),
        )
        markdown = summary(
            setup,
            metrics=compute_metrics(validation, "validation") | scores.metrics | scores.answered,
            intervals=scores.intervals,
            counts=confusion(predictions),
            errors=scores.errors,
            decision_rule=decision_rule,
            doubts=doubts(setup, validation),
        )
        (Path(folder) / "summary.md").write_text(markdown, encoding="utf-8")
        write_readable_json(Path(folder) / FILE, data_card(dataset))
        run.log_folder(Path(folder))
    run.log_metrics(
        scores.metrics | scores.answered | _costs(latency, setup) | {"test/look": look},
        step=config.training.epochs * len(tokens.train),
    )
    log = log_ensemble if isinstance(setup.model, Ensemble) else log_classifier
    uri = log(
        run,
        setup.model,
        tokens.tokenizer,
        max_length=tokens.max_length,
        examples=dataset.validation["text"][:N_EXAMPLES],
        origin=config.model.name_or_path,
        pairs=dataset.pairs,
    )
    return TestResult(
        scores.metrics,
        scores.intervals,
        look,
        predictions,
        scores.errors,
        decision_rule,
        uri,
        latency.one_p50,
    )


@dataclass(frozen=True)
class SplitScores:
    """The scores of a model on the test split, and its errors."""

    metrics: dict[str, float]
    """`test/name` → value."""
    answered: dict[str, float]
    """The same with the decision rule: calibrated, and over certain predictions only."""
    intervals: Mapping[str, tuple[float, float]]
    """`test/name` → 95 % interval, bootstrapped over rows."""
    errors: Sequence[Mapping[str, Any]]
    """The wrong predictions, most confident first, as in errors.json."""


def write_test_scores(
    folder: Path,
    predictions: Predictions,
    dataset: TextDataset,
    *,
    decision_rule: DecisionRule,
    is_cut: np.ndarray,
) -> SplitScores:
    """The scores of predictions for the test split; also writes the files of folder/test.

    is_cut [N] bool marks truncated texts.
    """
    probabilities = probabilities_of(
        predictions.logits / decision_rule.temperature, multi_label=dataset.multi_label
    )
    metrics = compute_metrics(predictions, "test")
    metrics |= _by_thresholds(probabilities, predictions.labels, decision_rule)
    intervals = test_intervals(predictions, dataset.label_names)
    errors = write_split(
        folder,
        "test",
        predictions,
        probabilities=probabilities_of(predictions.logits, multi_label=dataset.multi_label),
        texts=dataset.test["text"],
        label_names=dataset.label_names,
        is_cut=is_cut,
    )
    write_answers(
        folder / "test",
        probabilities,
        predictions.labels,
        dataset.test["text"],
        dataset.label_names,
        decision_rule=decision_rule,
        intervals=intervals,
    )
    answered = _answered(probabilities, predictions.labels, decision_rule)
    return SplitScores(metrics, answered, intervals, errors)


def test_intervals(
    predictions: Predictions, label_names: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Bootstrapped 95 % intervals of every score, and of each class's as `test/f1/NAME`."""
    logged = log_probabilities_of(predictions.logits, multi_label=predictions.multi_label)
    intervals = score_intervals(logged, predictions.labels, label_names)
    return {f"test/{name}": (each.low, each.high) for name, each in intervals.items()}


def _by_thresholds(
    probabilities: np.ndarray, labels: np.ndarray, decision_rule: DecisionRule
) -> dict[str, float]:
    """Macro F1 of several labels with per-label thresholds."""
    if not is_multi_label(labels):
        return {}
    predicted = apply_thresholds(probabilities, decision_rule)
    return {
        "test/threshold_f1": float(f1_score(labels, predicted, average="macro", zero_division=0))
    }


def _answered(
    probabilities: np.ndarray, labels: np.ndarray, decision_rule: DecisionRule
) -> dict[str, float]:
    """Scores with the decision rule: calibrated, and over certain predictions only."""
    is_certain, predicted = (
        is_confident(probabilities, decision_rule),
        apply_thresholds(probabilities, decision_rule),
    )
    right = are_correct(predicted, labels)
    return {
        "test/calibrated_error": calibration_error(probabilities, labels),
        "test/answered_share": float(is_certain.mean()),
        "test/answered_accuracy": float(right[is_certain].mean())
        if is_certain.any()
        else float(np.nan),
    }


def _costs(latency: Latency, setup: Setup) -> dict[str, float]:
    times = {f"latency_ms/{name}": value for name, value in asdict(latency).items()}
    return times | {"model/bytes": float(size_bytes(setup.model))}
