"""MLflow runs, written by explicit id: never through MLflow's global active run."""

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
from finesweep.tracking.names import (
    LONGEST_DATASET_NAME,
    LONGEST_PARAM,
    LONGEST_RUN_NAME,
    LONGEST_SOURCE,
    LONGEST_TAG,
    keys_of,
    text_of,
)
from finesweep.tracking.outages import is_tracking_outage
from finesweep.tracking.provenance import provenance
from finesweep.tracking.store import TrackingStore

Status = Literal["FINISHED", "KILLED", "FAILED"]
Kind = Literal["metrics", "params", "tags"]
PARENT = MLFLOW_PARENT_RUN_ID
"""Tag of a run that stands under another."""
ROWS_PER_CALL, METRICS_PER_CALL = 100, 1000
"""MLflow's own limits of one log_batch call."""
CHARACTERS_PER_CALL = 150_000
"""A server takes a million bytes, and a character may be six of them."""


class RunLog(Protocol):
    """What a trial writes to: a Run at once, or an Outbox that is delivered to one later."""

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
    """One run of the store."""

    store: TrackingStore
    run_id: str

    def log_evaluation(self, evaluation: Evaluation) -> None:
        self.log_metrics(evaluation.metrics, step=evaluation.step)

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: int, time_ms: int | None = None
    ) -> None:
        """All at once, with the step in training examples seen; now, unless a time is given."""
        at, keys = now_ms() if time_ms is None else time_ms, keys_of(metrics)
        rows = [Metric(keys[name], float(value), at, step) for name, value in metrics.items()]
        self._log("metrics", rows, most=METRICS_PER_CALL)

    def log_params(self, params: Mapping[str, Any]) -> None:
        keys = keys_of(params)
        rows = [Param(keys[name], text_of(params[name], LONGEST_PARAM)) for name in params]
        self._log("params", rows)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self._log("tags", [RunTag(key, value) for key, value in _kept_tags(tags).items()])

    def log_dataset(self, dataset: TextDataset, *, source: str) -> None:
        """The data as an MLflow dataset input, its digest the start of the fingerprint."""
        self.log_input(dataset_fields(dataset, source))

    def log_input(self, fields: Mapping[str, str], *, context: str = "training") -> None:
        """What dataset_fields or input_fields returned, as an input; context: what it served."""
        entity = Dataset(source_type="finesweep", **fields)
        used_for = [InputTag("mlflow.data.context", context)]
        self.store.client.log_inputs(self.run_id, datasets=[DatasetInput(entity, used_for)])

    def log_text(self, text: str, name: str) -> None:
        self.store.client.log_text(self.run_id, text, name)

    def log_folder(self, folder: Path) -> None:
        """Every file of folder as an artifact under the same relative path."""
        self.store.client.log_artifacts(self.run_id, str(folder))

    def finish(self, status: Status, *, end_time_ms: int | None = None) -> None:
        """Ends the run, now unless a time is given."""
        self.store.client.set_terminated(self.run_id, status, end_time_ms)

    def _log(self, kind: Kind, rows: Sequence[Any], *, most: int = ROWS_PER_CALL) -> None:
        """All of rows but those that MLflow refuses; of these the first error is raised then."""
        refused: list[MlflowException] = []
        for batch in _batches(rows, most):
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
        """Each row by itself, so that one does not take the others with it; what is refused."""
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
    """A new RUNNING run that already carries its tags, provenance and params."""
    run = create_run(store, name=name, tags=first_tags(parent_run_id, tags or {}))
    run.log_params(params or {})
    return run


def create_run(
    store: TrackingStore, *, name: str, tags: Mapping[str, str], start_time_ms: int | None = None
) -> Run:
    """A new RUNNING run with these tags and no others of ours."""
    created = store.client.create_run(
        store.experiment_id,
        start_time=start_time_ms,
        tags=_kept_tags(tags),
        run_name=text_of(name, LONGEST_RUN_NAME),
    )
    return Run(store, created.info.run_id)


def first_tags(parent_run_id: str | None, tags: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a run is made with: provenance, the run above it, and these."""
    parent = {PARENT: parent_run_id} if parent_run_id else {}
    return {name: str(value) for name, value in (provenance() | parent | dict(tags)).items()}


def dataset_fields(dataset: TextDataset, source: str) -> dict[str, str]:
    """What MLflow keeps of a dataset, by the names of its Dataset entity."""
    sizes = {split: len(dataset.split(split)) for split in SPLITS}
    return input_fields(dataset.name, dataset.fingerprint, sizes, source)


def input_fields(
    name: str, fingerprint: str, sizes: Mapping[SplitName, int], source: str
) -> dict[str, str]:
    """The same of a dataset that is told by its rows in each split."""
    profile = json.dumps(sizes)
    return {
        "name": text_of(name, LONGEST_DATASET_NAME),
        "digest": fingerprint[:8],
        "source": text_of(source, LONGEST_SOURCE),
        "profile": profile,
    }


def now_ms() -> int:
    """Milliseconds since 1970, as MLflow counts time."""
    return int(time.time() * 1000)


def _kept_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags as MLflow keeps them."""
    keys = keys_of(tags)
    return {keys[name]: text_of(value, LONGEST_TAG) for name, value in tags.items()}


def _batches(rows: Sequence[Any], most: int) -> Iterator[list[Any]]:
    """rows in calls that are small enough, in their order."""
    batch: list[Any] = []
    size = 0
    for row in rows:
        own = len(row.key) + len(str(row.value))
        if batch and (len(batch) == most or size + own > CHARACTERS_PER_CALL):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += own
    if batch:
        yield batch
