"""An exported model in MLflow: a run with its scores, a logged model, and a version of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from finesweep.dataset.labels.values import labels_of
from finesweep.errors import reason
from finesweep.export.card import version_card
from finesweep.export.conversion import Conversion
from finesweep.export.source import Data, Source
from finesweep.prediction import onnx_classifier
from finesweep.prediction.lengths import token_counts
from finesweep.records import Predictions, TextDataset
from finesweep.registry import versions
from finesweep.runs.test_evaluation import write_test_scores
from finesweep.tracking import (
    TEST_FINGERPRINT,
    Run,
    TrackingStore,
    count_test_evaluations,
    start_run,
)
from finesweep.tracking.models.onnx import log_onnx_classifier
from finesweep.tracking.tags import (
    EXPORT_OF_RUN,
    FORMAT_TAG,
    QUANTIZATION_TAG,
    REASON_TAG,
    SOURCE_TAG,
    SOURCE_VERSION_TAG,
    TRIAL_STATE,
)

KIND = "export"
COPIED = ("finesweep.sweep", "finesweep.trial_number", "finesweep.data_fingerprint")
"""Tags of the original's run or version that the export has too."""
N_EXAMPLES = 3


@dataclass(frozen=True)
class Recorded:
    """Where an exported model is in MLflow."""

    run_id: str
    model_uri: str
    name: str | None
    """The registered model; None if it was not registered, like version."""
    version: str | None
    scores: dict[str, float]
    """`test/name` → value; empty if the test rows are not known."""


def record(
    source: Source,
    data: Data,
    conversion: Conversion,
    store: TrackingStore,
    *,
    name: str | None,
    alias: str | None,
    say: Callable[[str], None] = lambda text: None,
) -> Recorded:
    """Logs the model with its scores on the original's test rows; with a name, registers it.

    The registration comes last: an interrupted export leaves a FAILED run and no version.
    """
    run = start_run(
        store,
        name=f"{source.run.name if source.run else source.name}, {conversion.label}",
        tags=_tags(source, conversion),
        params=source.run.params if source.run else {},
    )
    try:
        scores = _log_scores(run, source, data, conversion, say)
        run.log_metrics(_costs(conversion) | scores, step=0)
        uri = _log_model(run, source, conversion)
        version = name and _register(store, run, source, conversion, scores, uri, name, alias)
    except BaseException as error:
        run.set_tags({TRIAL_STATE: "FAIL", REASON_TAG: reason(error)})
        run.finish("FAILED")
        raise
    run.set_tags({TRIAL_STATE: "COMPLETE"})
    run.finish("FINISHED")
    return Recorded(run.run_id, uri, name, version, scores)


def _tags(source: Source, conversion: Conversion) -> dict[str, str]:
    copied = source.run.tags if source.run else {}
    return {
        **{name: copied[name] for name in COPIED if name in copied},
        "finesweep.kind": KIND,
        **_format_tags(source, conversion),
        **({EXPORT_OF_RUN: source.run.run_id} if source.run else {}),
    }


def _format_tags(source: Source, conversion: Conversion) -> dict[str, str]:
    return {
        FORMAT_TAG: conversion.format,
        QUANTIZATION_TAG: conversion.quantize or "none",
        SOURCE_TAG: source.uri,
    }


def _log_scores(
    run: Run,
    source: Source,
    data: Data,
    conversion: Conversion,
    say: Callable[[str], None],
) -> dict[str, float]:
    """Scores on the test rows, logged with the files and the config by which a promotion judges;
    empty if these rows are not known."""
    if source.run is not None and source.run.config is not None:
        run.log_text(source.run.config, "config.yaml")
    if data.dataset is None or not data.is_same:
        return {}
    dataset = data.dataset
    say(f"scoring it on {len(dataset.test):,} test rows …")
    run.set_tags({TEST_FINGERPRINT: dataset.test_fingerprint})
    look = count_test_evaluations(run.store, dataset.test_fingerprint)
    predictions, is_cut = _predictions(conversion, dataset)
    with tempfile.TemporaryDirectory() as folder:
        scores = write_test_scores(
            Path(folder),
            predictions,
            dataset,
            decision_rule=conversion.classifier.decision_rule,
            is_cut=is_cut,
        )
        run.log_folder(Path(folder))
    return {**scores.metrics, **scores.answered, "test/look": float(look)}


def _predictions(conversion: Conversion, dataset: TextDataset) -> tuple[Predictions, np.ndarray]:
    """Logits and labels of the test rows, and which of these are truncated, [N] bool."""
    texts, classifier = dataset.test["text"][:], conversion.classifier
    logits = classifier.logits(texts).astype(np.float32)
    is_cut = np.array(token_counts(classifier, texts)) > classifier.max_length
    return Predictions(logits, labels_of(dataset, dataset.test["label"])), is_cut


def _costs(conversion: Conversion) -> dict[str, float]:
    """Latency, size and agreement as metrics; the original's latency was measured in turns."""
    own, original = asdict(conversion.latency), asdict(conversion.original_latency)
    return {
        **{f"latency_ms/{name}": value for name, value in own.items()},
        **{f"latency_ms/pytorch_{name}": value for name, value in original.items()},
        "model/bytes": float(conversion.size_bytes),
        "export/difference": conversion.agreement.difference,
        "export/fp32_difference": conversion.traced.difference,
        "export/changed_labels": float(conversion.agreement.n_changed),
        "export/rows": float(conversion.agreement.n_rows),
    }


def _log_model(run: Run, source: Source, conversion: Conversion) -> str:
    classifier = conversion.classifier
    return log_onnx_classifier(
        run,
        conversion.folder,
        loader=Path(onnx_classifier.__file__),
        predict=classifier.pipeline.predict,
        examples=source.classifier.examples or conversion.rows[:N_EXAMPLES],
        pairs=classifier.decision_rule.pairs,
        origin=source.origin,
        metadata=_format_tags(source, conversion),
    )


def _register(
    store: TrackingStore,
    run: Run,
    source: Source,
    conversion: Conversion,
    scores: dict[str, float],
    uri: str,
    name: str,
    alias: str | None,
) -> str:
    version = source.version
    copied = {} if version is None else version.tags
    tags = {key: copied[key] for key in COPIED if key in copied} | _format_tags(source, conversion)
    if version is not None and version.model == name:
        tags[SOURCE_VERSION_TAG] = version.number
    return versions.register_export(
        store.client,
        name=name,
        run_id=run.run_id,
        model_uri=uri,
        tags=tags,
        describe=lambda version_uri: version_card(source, conversion, scores, uri=version_uri),
        alias=alias,
    )
