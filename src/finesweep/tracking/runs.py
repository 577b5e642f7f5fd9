"""MLflow runs, written by explicit id, never through MLflow's global active run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from finesweep.records import SPLITS, Evaluation, SplitName, TextDataset
from finesweep.tracking.environment.provenance import provenance
from finesweep.tracking.names import (
    MAX_DATASET_NAME_CHARACTERS,
    MAX_PARAM_CHARACTERS,
    MAX_RUN_NAME_CHARACTERS,
    MAX_SOURCE_CHARACTERS,
    MAX_TAG_CHARACTERS,
    keys_of,
    text_of,
)
from finesweep.tracking.outages import is_tracking_outage
from finesweep.tracking.store import TrackingStore

Status = Literal["FINISHED", "KILLED", "FAILED"]
Kind = Literal["metrics", "params", "tags"]
PARENT = MLFLOW_PARENT_RUN_ID
"""Tag of a child run: the id of its parent."""
ROWS_PER_CALL, METRICS_PER_CALL = 100, 1000
"""MLflow's own limits for one log_batch call."""
CHARACTERS_PER_CALL = 150_000
"""A server accepts a million bytes per call, and a character may take six."""


class RunLog(Protocol):
    """A target for a trial's logs: a Run, or an Outbox that is delivered to one later."""

    def log_evaluation(self, evaluation: Evaluation) -> None: ...

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: int, time_ms: int | None = None
    ) -> None: ...

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def set_tags(self, tags: Mapping[str, Any]) -> None: ...

    def log_dataset(self, dataset: TextDataset, *, source: str) -> None: ...

    def log_text(self, text: str, name: str) -> None: ...

    def log_folder(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class Run:
    """One run of the tracking store."""

    store: TrackingStore
    run_id: str

    def log_evaluation(self, evaluation: Evaluation) -> None:
        self.log_metrics(evaluation.metrics, step=evaluation.step)

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: int, time_ms: int | None = None
    ) -> None:
        """Logs metrics together; step is in training examples seen, time_ms is now by default."""
        time_ms, keys = now_ms() if time_ms is None else time_ms, keys_of(metrics)
        rows = [Metric(keys[name], float(value), time_ms, step) for name, value in metrics.items()]
        self._log("metrics", rows, max_rows=METRICS_PER_CALL)

    def log_params(self, params: Mapping[str, Any]) -> None:
        keys = keys_of(params)
        rows = [Param(keys[name], text_of(params[name], MAX_PARAM_CHARACTERS)) for name in params]
        self._log("params", rows)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self._log("tags", [RunTag(key, value) for key, value in _mlflow_tags(tags).items()])

    def log_dataset(self, dataset: TextDataset, *, source: str) -> None:
        """Logs the data as an MLflow dataset input; its digest is the start of the fingerprint."""
        self.log_input(dataset_fields(dataset, source))

    def log_input(self, fields: Mapping[str, str], *, context: str = "training") -> None:
        """Logs fields by dataset_fields or input_fields as a dataset input; context: its use."""
        entity = Dataset(source_type="finesweep", **fields)
        tags = [InputTag("mlflow.data.context", context)]
        self.store.client.log_inputs(self.run_id, datasets=[DatasetInput(entity, tags)])

    def log_text(self, text: str, name: str) -> None:
        self.store.client.log_text(self.run_id, text, name)

    def log_folder(self, folder: Path) -> None:
        """Logs every file of folder as an artifact under the same relative path."""
        self.store.client.log_artifacts(self.run_id, str(folder))

    def finish(self, status: Status, *, end_time_ms: int | None = None) -> None:
        """Ends the run; end_time_ms is now by default."""
        self.store.client.set_terminated(self.run_id, status, end_time_ms)

    def _log(self, kind: Kind, rows: Sequence[Any], *, max_rows: int = ROWS_PER_CALL) -> None:
        """Logs all rows that MLflow accepts; afterwards raises the first error of the others."""
        refused: list[MlflowException] = []
        for batch in _batches(rows, max_rows):
            try:
                self._send(kind, batch)
            except MlflowException as error:
                if is_tracking_outage(error):
                    raise
                refused += self._log_singly(kind, batch)
        if refused:
            raise refused[0]

    def _send(self, kind: Kind, batch: Sequence[Any]) -> None:
        rows: dict[str, Any] = {kind: batch}
        self.store.client.log_batch(self.run_id, **rows)

    def _log_singly(self, kind: Kind, batch: Sequence[Any]) -> Iterator[MlflowException]:
        """Logs row by row, so that one refused row does not affect others; yields the errors."""
        for row in batch:
            try:
                self._send(kind, [row])
            except MlflowException as error:
                if is_tracking_outage(error):
                    raise
                yield error


def start_run(
    store: TrackingStore,
    *,
    name: str,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Run:
    """A new RUNNING run with its tags, provenance and params."""
    run = create_run(store, name=name, tags=initial_tags(parent_run_id, tags or {}))
    run.log_params(params or {})
    return run


def create_run(
    store: TrackingStore, *, name: str, tags: Mapping[str, str], start_time_ms: int | None = None
) -> Run:
    """A new RUNNING run with only these tags."""
    created = store.client.create_run(
        store.experiment_id,
        start_time=start_time_ms,
        tags=_mlflow_tags(tags),
        run_name=text_of(name, MAX_RUN_NAME_CHARACTERS),
    )
    return Run(store, created.info.run_id)


def initial_tags(parent_run_id: str | None, tags: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a new run: provenance, the parent run, and tags."""
    parent = {PARENT: parent_run_id} if parent_run_id else {}
    return {name: str(value) for name, value in (provenance() | parent | dict(tags)).items()}


def dataset_fields(dataset: TextDataset, source: str) -> dict[str, str]:
    """The fields of MLflow's Dataset entity for a dataset."""
    sizes = {split: len(dataset.split(split)) for split in SPLITS}
    return input_fields(dataset.name, dataset.fingerprint, sizes, source)


def input_fields(
    name: str, fingerprint: str, sizes: Mapping[SplitName, int], source: str
) -> dict[str, str]:
    """The same, from the numbers of rows of each split."""
    profile = json.dumps(sizes)
    return {
        "name": text_of(name, MAX_DATASET_NAME_CHARACTERS),
        "digest": fingerprint[:8],
        "source": text_of(source, MAX_SOURCE_CHARACTERS),
        "profile": profile,
    }


def now_ms() -> int:
    """Milliseconds since 1970, MLflow's unit of time."""
    return int(time.time() * 1000)


def _mlflow_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags with keys and values that MLflow accepts."""
    keys = keys_of(tags)
    return {keys[name]: text_of(value, MAX_TAG_CHARACTERS) for name, value in tags.items()}


def _batches(rows: Sequence[Any], max_rows: int) -> Iterator[list[Any]]:
    """rows in batches that are small enough for one call, in order."""
    batch: list[Any] = []
    size = 0
    for row in rows:
        size_of_row = len(row.key) + len(str(row.value))
        if batch and (len(batch) == max_rows or size + size_of_row > CHARACTERS_PER_CALL):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += size_of_row
    if batch:
        yield batch
