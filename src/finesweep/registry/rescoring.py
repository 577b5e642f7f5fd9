"""Rescores a champion on the challenger's test rows, when it was evaluated on others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import yaml

from finesweep.config import DatasetConfig, SplitFiles
from finesweep.dataset import load_dataset
from finesweep.errors import ConfigError, Problem
from finesweep.prediction import load_classifier
from finesweep.records import Predictions, TextDataset
from finesweep.registry.records import Scored
from finesweep.registry.versions import Version
from finesweep.stats.predictions import logits_of, predict_labels
from finesweep.tracking import TrackingStore
from finesweep.training import compute_metrics


def rescore(
    store: TrackingStore, champion: Version, old: Scored, new: Scored, config: str
) -> Scored:
    """The champion's predictions for the challenger's test rows, with the latency of old.

    config is the challenger's, as YAML; old and new are the two models' own scores. ConfigError
    when these rows can no longer be loaded, when the champion has other labels, or when only one of
    the two takes text pairs or predicts several labels.
    """
    dataset = recorded_dataset(config)
    if dataset.test_fingerprint != new.fingerprint:
        message = "the challenger's test rows can no longer be loaded"
        raise ConfigError(Problem(champion.model, message))
    classifier = load_classifier(champion.source, tracking_uri=store.uri)
    if classifier.decision_rule.pairs != dataset.pairs:
        message = "champion and challenger differ: only one takes text pairs"
        raise ConfigError(Problem(champion.model, message))
    if classifier.multi_label != dataset.multi_label:
        message = "champion and challenger differ: only one predicts several labels"
        raise ConfigError(Problem(champion.model, message))
    names = classifier.label_names
    if set(names) != set(new.label_names):
        message = f"the champion predicts {', '.join(names)}, not {', '.join(new.label_names)}"
        raise ConfigError(Problem(champion.model, message))
    columns = [names.index(name) for name in new.label_names]
    probabilities = classifier.probabilities(dataset.test["text"][:])[:, columns]
    logits = logits_of(probabilities, multi_label=dataset.multi_label).astype(np.float32)
    return replace(
        old,
        fingerprint=new.fingerprint,
        label_names=new.label_names,
        labels=new.labels,
        predicted=predict_labels(probabilities, multi_label=dataset.multi_label),
        metrics=compute_metrics(Predictions(logits, new.labels), "test"),
    )


def recorded_dataset(config: str) -> TextDataset:
    """The dataset of a run's composed config, as YAML; ConfigError when it cannot be loaded."""
    return load_dataset(_dataset_config(yaml.safe_load(config)["dataset"]))


def _dataset_config(section: dict[str, Any]) -> DatasetConfig:
    return DatasetConfig(**{**section, "files": SplitFiles(**section["files"])})
