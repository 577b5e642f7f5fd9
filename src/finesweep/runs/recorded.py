"""A run as MLflow has it: its settings, inputs, scores, evaluations and predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

from finesweep.records import SplitName
from finesweep.stats.bootstrap import Interval
from finesweep.stats.predictions import is_multi_label, log_probabilities_of, logits_of
from finesweep.stats.scores import score_intervals
from finesweep.tracking import TEST_FINGERPRINT, TrackingStore, artifact_path
from finesweep.tracking.predictions import FILE, SplitPredictions, read_predictions
from finesweep.tracking.queries import json_artifact
from finesweep.tracking.tags import TRIAL_STATE

CONFIG = "config.yaml"
KIND = "finesweep.kind"
SETTINGS = ("dataset", "model", "training", "experiment")
"""Config groups whose choice and fields are a run's settings; the others say where it ran."""
PRUNING = "/pruning_"
"""Part of the name of a score on the sample that pruners see."""


@dataclass(frozen=True)
class RecordedRun:
    """One run of the tracking store, read once; its files are read when they are first used."""

    store: TrackingStore
    run_id: str
    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    """Latest values; those of a finished run are the best checkpoint's."""

    @property
    def kind(self) -> str:
        """Tag `finesweep.kind`; empty for a run of another program."""
        return self.tags.get(KIND, "")

    @property
    def state(self) -> str:
        """Optuna's name: COMPLETE, PRUNED, FAIL or RUNNING."""
        return self.tags.get(TRIAL_STATE, "RUNNING")

    @property
    def settings(self) -> dict[str, str]:
        """Group or dotted path → value; empty for a run without a config, such as a baseline."""
        return {k: v for k, v in self.params.items() if k.split(".")[0] in SETTINGS}

    @property
    def scores(self) -> dict[str, float]:
        """`split/name` → value on whole splits, where it is defined."""
        return {
            name: value
            for name, value in self.metrics.items()
            if name.startswith(("validation/", "test/"))
            and PRUNING not in name
            and name != "test/look"
            and isfinite(value)
        }

    @cached_property
    def inputs(self) -> dict[str, str]:
        """What else a result depends on: name → value as it was recorded."""
        tags = self.tags
        versions: dict[str, str] = json.loads(tags.get("finesweep.versions", "{}"))
        named = {
            "data": tags.get("finesweep.data_fingerprint"),
            "starting weights": tags.get("finesweep.weights_sha256"),
            "teacher": tags.get("finesweep.teacher_sha256"),
            "model revision": tags.get("finesweep.model_revision"),
            "device": tags.get("finesweep.device"),
            "precision": tags.get("finesweep.precision"),
            "threads": tags.get("finesweep.threads"),
            "activation cache": self.params.get("activation_cache", "").split(":")[0],
        }
        return {name: value for name, value in named.items() if value} | versions

    @cached_property
    def config(self) -> str | None:
        """The composed config, as YAML without passwords; None if the run has none."""
        path = artifact_path(self.store.client, self.run_id, CONFIG)
        return None if path is None else path.read_text(encoding="utf-8")

    @cached_property
    def evaluations(self) -> dict[int, dict[str, float]]:
        """Training examples seen → scores of that evaluation, and the train loss before it."""
        evaluations: dict[int, dict[str, float]] = {}
        names = [n for n in self.metrics if n.startswith("validation/") or n == "train/loss"]
        for name in sorted(names):
            history = self.store.client.get_metric_history(self.run_id, name)
            # The best checkpoint's values are logged once more after the last evaluation's.
            for metric in sorted(history, key=lambda each: each.timestamp, reverse=True):
                evaluations.setdefault(metric.step, {})[name] = metric.value
        return dict(sorted(evaluations.items()))

    @cached_property
    def _predictions(self) -> dict[SplitName, SplitPredictions | None]:
        return {}

    def predictions(self, split: SplitName) -> SplitPredictions | None:
        """The best checkpoint's predictions for a split; None if the run has none."""
        if split not in self._predictions:
            path = artifact_path(self.store.client, self.run_id, f"{split}/{FILE}")
            self._predictions[split] = None if path is None else read_predictions(path)
        return self._predictions[split]

    def intervals(self, split: SplitName) -> dict[str, tuple[float, float]]:
        """`split/name` → low and high of the 95 % interval over rows; empty without predictions.

        Those of the test split were logged with its evaluation; others are computed.
        """
        logged = json_artifact(self.store.client, self.run_id, f"{split}/intervals.json")
        if logged is not None:
            return {name: (low, high) for name, (low, high) in logged.items()}
        if (predictions := self.predictions(split)) is None:
            return {}
        intervals = _intervals(predictions)
        return {f"{split}/{name}": (each.low, each.high) for name, each in intervals.items()}

    def rows(self, split: SplitName) -> set[str]:
        """Fingerprints of the split's rows; runs that share one were evaluated on the same rows."""
        names = {"finesweep.data_fingerprint"} | ({TEST_FINGERPRINT} if split == "test" else set())
        return {self.tags[name] for name in names if self.tags.get(name)}


def read_run(store: TrackingStore, run_id: str) -> RecordedRun:
    """The run with this id."""
    run = store.client.get_run(run_id)
    data = run.data
    return RecordedRun(store, run_id, str(run.info.run_name), data.tags, data.params, data.metrics)


def _intervals(predictions: SplitPredictions) -> dict[str, Interval]:
    multi_label = is_multi_label(predictions.labels)
    logits = logits_of(predictions.probabilities, multi_label=multi_label)
    logged = log_probabilities_of(logits, multi_label=multi_label)
    return score_intervals(logged, predictions.labels, predictions.label_names)
