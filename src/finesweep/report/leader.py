"""The winner, or the best trial so far, as its MLflow run has it, and findings about its data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from finesweep.records import DecisionRule, SplitName
from finesweep.report.records import Evaluated, Leader
from finesweep.runs.data_card import FILE as DATA_CARD
from finesweep.stats.predictions import is_multi_label, logits_of, probabilities_of
from finesweep.tracking import TrackingStore, find_runs
from finesweep.tracking.predictions import FILE as PREDICTIONS
from finesweep.tracking.predictions import read_predictions
from finesweep.tracking.queries import artifact, artifact_path, json_artifact

N_EXPLORATIONS = 20
"""Latest explorations among which one of the sweep's data is looked for."""
N_DIGEST = 8
"""Characters of a fingerprint that MLflow's dataset inputs keep."""


def read_leader(store: TrackingStore, run_id: str, *, trial: int) -> Leader:
    """The run's metrics, params, config and files."""
    data = store.client.get_run(run_id).data
    config = artifact(store.client, run_id, "config.yaml")
    return Leader(
        trial=trial,
        run_id=run_id,
        metrics=data.metrics,
        params=data.params,
        tags=data.tags,
        config=None if config is None else config.decode(),
        evaluated=_evaluated(store, run_id, "test") or _evaluated(store, run_id, "validation"),
        data=json_artifact(store.client, run_id, DATA_CARD),
    )


def _evaluated(store: TrackingStore, run_id: str, split: SplitName) -> Evaluated | None:
    """The split's evaluation; None if the run has not made one, or its files are gone."""
    client = store.client
    path = artifact_path(client, run_id, f"{split}/{PREDICTIONS}")
    matrix = json_artifact(client, run_id, f"{split}/confusion_matrix.json")
    if path is None or matrix is None:
        return None
    predictions = read_predictions(path)
    answering = json_artifact(client, run_id, f"{split}/answering.json")
    rule = None if answering is None else DecisionRule(**answering)
    return Evaluated(
        split=split,
        label_names=matrix["labels"],
        confusion=np.array(matrix["counts"], dtype=int),
        labels=predictions.labels,
        probabilities=_calibrated(predictions.probabilities, predictions.labels, rule),
        errors=json_artifact(client, run_id, f"{split}/errors.json") or (),
        slices=json_artifact(client, run_id, f"{split}/slices.json") or (),
        rule=rule,
        words={
            each["row"]: [word for word, _ in each["words"]]
            for each in json_artifact(client, run_id, f"{split}/error_words.json") or ()
        },
    )


def _calibrated(
    probabilities: np.ndarray, labels: np.ndarray, rule: DecisionRule | None
) -> np.ndarray:
    """Probabilities as the model gives them to its users: by the rule's temperature."""
    if rule is None:
        return probabilities
    multi_label = is_multi_label(labels)
    logits = logits_of(probabilities, multi_label=multi_label)
    return probabilities_of(logits / rule.temperature, multi_label=multi_label)


def findings_of(
    store: TrackingStore, fingerprints: Collection[str]
) -> list[Mapping[str, Any]] | None:
    """Findings of the latest exploration of the data with one of these fingerprints, as in
    findings.json; None if there is none."""
    digests = {fingerprint[:N_DIGEST] for fingerprint in fingerprints}
    for run in find_runs(store, {"finesweep.kind": "explore"})[:N_EXPLORATIONS]:
        inputs = store.client.get_run(run.run_id).inputs
        if inputs and digests & {each.dataset.digest for each in inputs.dataset_inputs}:
            findings: list[Mapping[str, Any]] | None = json_artifact(
                store.client, run.run_id, "explore/findings.json"
            )
            return findings
    return None
