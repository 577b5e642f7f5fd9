"""A champion that was scored on other test rows, scored again on the challenger's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import yaml

from finesweep.config import DatasetConfig, SplitFiles
from finesweep.dataset import load_dataset
from finesweep.errors import ConfigError, Problem
from finesweep.prediction import load_classifier
from finesweep.records import Predictions
from finesweep.registry.records import Scored
from finesweep.registry.versions import Version
from finesweep.stats.predictions import logits_of, predict_labels
from finesweep.tracking import TrackingStore
from finesweep.training import compute_metrics


def rescored(
    store: TrackingStore, champion: Version, own: Scored, new: Scored, config: str
) -> Scored:
    """The champion's answers to the test rows of `new`, which config, as YAML, describes.

    own is what its own look found, and keeps its latency. ConfigError when these rows are not to
    be had any more, or the champion knows other labels, or just one of them reads pairs of texts or
    gives several labels.
    """
    dataset = load_dataset(_dataset_config(yaml.safe_load(config)["dataset"]))
    if dataset.test_fingerprint != new.fingerprint:
        message = "the test rows that the challenger was scored on are not to be had any more"
        raise ConfigError(Problem(champion.model, message))
    classifier = load_classifier(champion.source, tracking_uri=store.uri)
    if classifier.decision_rule.pairs != dataset.pairs:
        message = "of it and the challenger only one reads pairs of texts"
        raise ConfigError(Problem(champion.model, message))
    if classifier.multi_label != dataset.multi_label:
        message = "of it and the challenger only one gives a text several labels"
        raise ConfigError(Problem(champion.model, message))
    names = classifier.label_names
    if set(names) != set(new.label_names):
        message = f"the champion answers {', '.join(names)}, not {', '.join(new.label_names)}"
        raise ConfigError(Problem(champion.model, message))
    columns = [names.index(name) for name in new.label_names]
    probabilities = classifier.probabilities(dataset.test["text"][:])[:, columns]
    logits = logits_of(probabilities, multi_label=dataset.multi_label).astype(np.float32)
    return replace(
        own,
        fingerprint=new.fingerprint,
        label_names=new.label_names,
        labels=new.labels,
        guesses=predict_labels(probabilities, multi_label=dataset.multi_label),
        metrics=compute_metrics(Predictions(logits, new.labels), "test"),
    )


def _dataset_config(section: dict[str, Any]) -> DatasetConfig:
    return DatasetConfig(**{**section, "files": SplitFiles(**section["files"])})
