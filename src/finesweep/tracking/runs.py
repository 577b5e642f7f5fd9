"""MLflow runs, written by explicit id: never through MLflow's global active run."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from finesweep.records import Evaluation, TextDataset
from finesweep.tracking.provenance import provenance
from finesweep.tracking.store import Store

Status = Literal["FINISHED", "KILLED", "FAILED"]
PARENT = MLFLOW_PARENT_RUN_ID
"""Tag of a run that stands under another."""
PARAMS_PER_CALL = 100
"""MLflow's own limit of one log_batch call."""


@dataclass(frozen=True)
class Run:
    """One run of the store."""

    store: Store
    run_id: str

    def log_evaluation(self, evaluation: Evaluation) -> None:
        self.log_metrics(evaluation.metrics, step=evaluation.step)

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """All at once, with the step in training examples seen."""
        now = int(time.time() * 1000)
        rows = [Metric(metric_key(name), value, now, step) for name, value in metrics.items()]
        self.store.client.log_batch(self.run_id, metrics=rows)

    def log_params(self, params: Mapping[str, Any]) -> None:
        rows = [Param(name, str(value)) for name, value in params.items()]
        for start in range(0, len(rows), PARAMS_PER_CALL):
            batch = rows[start : start + PARAMS_PER_CALL]
            self.store.client.log_batch(self.run_id, params=batch)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        rows = [RunTag(name, str(value)) for name, value in tags.items()]
        self.store.client.log_batch(self.run_id, tags=rows)

    def log_dataset(self, dataset: TextDataset, *, source: str) -> None:
        """The data as an MLflow dataset input, its digest the start of the fingerprint."""
        entity = Dataset(
            name=dataset.name,
            digest=dataset.fingerprint[:8],
            source_type="finesweep",
            source=source,
            profile=f'{{"train": {len(dataset.train)}, "validation": {len(dataset.validation)}, '
            f'"test": {len(dataset.test)}}}',
        )
        used_for = [InputTag("mlflow.data.context", "training")]
        self.store.client.log_inputs(self.run_id, datasets=[DatasetInput(entity, used_for)])

    def log_text(self, text: str, name: str) -> None:
        self.store.client.log_text(self.run_id, text, name)

    def log_folder(self, folder: Path) -> None:
        """Every file of folder as an artifact under the same relative path."""
        self.store.client.log_artifacts(self.run_id, str(folder))

    def finish(self, status: Status) -> None:
        self.store.client.set_terminated(self.run_id, status)


def start_run(
    store: Store,
    *,
    name: str,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Run:
    """A new RUNNING run that already carries its tags, provenance and params."""
    parent = {PARENT: parent_run_id} if parent_run_id else {}
    all_tags = provenance() | parent | dict(tags or {})
    created = store.client.create_run(
        store.experiment_id,
        run_name=name,
        tags={key: str(value) for key, value in all_tags.items()},
    )
    run = Run(store, created.info.run_id)
    run.log_params(params or {})
    return run


def metric_key(name: str) -> str:
    """name with each character that MLflow refuses in a metric's key as an underscore."""
    return re.sub(r"[^\w\-. :/]", "_", name)
