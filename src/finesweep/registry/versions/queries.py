"""Queries for versions of registered models, and for the metrics and artifacts of their runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_DOES_NOT_EXIST,
    ErrorCode,
)

from finesweep.errors import ConfigError, Problem
from finesweep.registry.records import Scored
from finesweep.tracking import PARENT, TEST_FINGERPRINT
from finesweep.tracking.names import clause
from finesweep.tracking.predictions import FILE, read_predictions
from finesweep.tracking.queries import artifact, json_artifact
from finesweep.tracking.tags import EXPORT_OF_RUN

MISSING = {ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), ErrorCode.Name(INVALID_PARAMETER_VALUE)}
"""MLflow's error codes for a name, version or alias that does not exist."""


@dataclass(frozen=True)
class Version:
    """One version of a registered model, and the run that it came from."""

    model: str
    number: str
    run_id: str | None
    """None if it was registered without a run."""
    source: str
    """URI of its LoggedModel."""
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    created_ms: int


def models_of(client: MlflowClient) -> list[str]:
    """Names of all registered models."""
    return [model.name for model in _pages(client.search_registered_models)]


def versions_of(client: MlflowClient, model: str) -> list[Version]:
    """All versions, oldest first."""
    results = _pages(client.search_model_versions, clause("name", model))
    numbers = sorted(int(each.version) for each in results if each.name == model)
    return [_version(client.get_model_version(model, str(number))) for number in numbers]


def version_at(client: MlflowClient, model: str, alias: str) -> Version | None:
    """The version with an alias; None when no version has it."""
    return _found(lambda: client.get_model_version_by_alias(model, alias))


def version_of(client: MlflowClient, uri: str) -> Version | None:
    """The version that models:/NAME@ALIAS or models:/NAME/NUMBER names; None if there is none, and
    for any other URI."""
    match = re.fullmatch(r"models:/(?P<name>[^/]+)(?:@(?P<alias>[^/@]+)|/(?P<number>\d+))", uri)
    if match is None:
        return None
    if alias := match["alias"]:
        return version_at(client, match["name"], alias)
    return _found(lambda: client.get_model_version(match["name"], match["number"]))


def run_of(client: MlflowClient, version: Version) -> Run | None:
    """The version's run; None if it was registered without one, or the store has it no more."""
    return _run(client, version.run_id)


def required_run(client: MlflowClient, version: Version) -> Run:
    """The version's run; ConfigError when there is none."""
    run = run_of(client, version)
    if run is None:
        raise ConfigError(Problem(version.model, f"version {version.number} has no run"))
    return run


def _run(client: MlflowClient, run_id: str | None) -> Run | None:
    if run_id is None:
        return None
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code in MISSING:
            return None
        raise


def scored(client: MlflowClient, version: Version) -> Scored:
    """The version's predictions and scores on its test split; ConfigError without a run, or when
    its run has none."""
    run = required_run(client, version)
    try:
        path = client.download_artifacts(run.info.run_id, f"test/{FILE}")
    except (MlflowException, OSError) as error:
        raise ConfigError(Problem(version.model, _no_predictions(version, run))) from error
    predictions = read_predictions(path)
    metrics = run.data.metrics
    return Scored(
        version=version.number,
        fingerprint=run.data.tags.get(TEST_FINGERPRINT, ""),
        label_names=predictions.label_names,
        labels=predictions.labels,
        predicted=predictions.predicted,
        metrics={name: value for name, value in metrics.items() if name.startswith("test/")},
        latency_ms=metrics.get("latency_ms/one_p50", float("nan")),
        size_bytes=int(metrics.get("model/bytes", 0)),
    )


def _no_predictions(version: Version, run: Run) -> str:
    """Why there are no predictions: no evaluation on a test split, or missing files."""
    if TEST_FINGERPRINT not in run.data.tags:
        return f"the run of version {version.number} has no predictions for a test split"
    return f"the files of version {version.number}'s run are not in {run.info.artifact_uri}"


def test_fingerprint(client: MlflowClient, version: Version) -> str:
    """Fingerprint of the test rows that the version's run was evaluated on; empty without any."""
    return str(required_run(client, version).data.tags.get(TEST_FINGERPRINT, ""))


def wrong_rows(client: MlflowClient, version: Version) -> dict[int, dict[str, str]]:
    """Row → text, truth and wrong prediction, from the version's evaluation on the test split."""
    run_id = required_run(client, version).info.run_id
    path = Path(client.download_artifacts(run_id, "test/errors.json"))
    return {
        int(row["row"]): {"text": row["text"], "truth": row["truth"], "wrong": row["prediction"]}
        for row in json.loads(path.read_text(encoding="utf-8"))
    }


def slices(client: MlflowClient, version: Version) -> dict[str, dict[str, Any]]:
    """Slice of the test rows → its number of rows and its accuracy, in the run's order."""
    run_id = required_run(client, version).info.run_id
    rows = json_artifact(client, run_id, "test/slices.json") or []
    return {each.pop("slice"): each for each in rows}


def intervals(client: MlflowClient, version: Version) -> dict[str, list[float]]:
    """`test/name` → low and high of the run's 95 % interval, for scores that have one."""
    run_id = required_run(client, version).info.run_id
    return json_artifact(client, run_id, "test/intervals.json") or {}


def baseline_right(client: MlflowClient, version: Version) -> np.ndarray | None:
    """Which test rows its sweep's baseline gets right, [N] bool; None without a baseline."""
    run = required_run(client, version)
    trained = _run(client, run.data.tags.get(EXPORT_OF_RUN, run.info.run_id))
    if trained is None or (parent := trained.data.tags.get(PARENT)) is None:
        return None
    text = f"{clause(f'tags.`{PARENT}`', parent)} and tags.`finesweep.kind` = 'baseline'"
    for found in client.search_runs([trained.info.experiment_id], text):
        with suppress(MlflowException, OSError):
            return read_predictions(
                client.download_artifacts(found.info.run_id, f"test/{FILE}")
            ).right
    return None


def picture(client: MlflowClient, version: Version) -> bytes | None:
    """A PNG: calibration and coverage on the test rows."""
    return artifact(client, required_run(client, version).info.run_id, "test/answers.png")


def config_text(client: MlflowClient, version: Version) -> str:
    """The composed config of the version's run, as YAML."""
    path = client.download_artifacts(required_run(client, version).info.run_id, "config.yaml")
    return Path(path).read_text(encoding="utf-8")


def run_description(client: MlflowClient, version: Version) -> dict[str, Any]:
    """A version's run, metrics and provenance, for a dossier; ConfigError without a run."""
    run = required_run(client, version)
    tags, config = run.data.tags, artifact(client, run.info.run_id, "config.yaml")
    names = ("data_fingerprint", "test_fingerprint", "weights_sha256", "versions", "sweep")
    return {
        "version": version.number,
        "run": run.info.run_id,
        "model": run.data.params.get("model", ""),
        **{name: tags.get(f"finesweep.{name}", "") for name in names},
        "config_sha256": "" if config is None else hashlib.sha256(config).hexdigest(),
        "commit": tags.get("mlflow.source.git.commit", ""),
        "metrics": {
            name: value
            for name, value in run.data.metrics.items()
            if name.startswith(("test/", "latency_ms/", "model/"))
        },
    }


def _found(get: Callable[[], Any]) -> Version | None:
    """The version that get returns; None when there is no such name, number or alias."""
    try:
        return _version(get())
    except MlflowException as error:
        if error.error_code in MISSING:
            return None
        raise


def _pages(search: Callable[..., Any], text: str | None = None) -> Iterator[Any]:
    """All results of a paged MLflow search."""
    token: str | None = None
    while True:
        page = search(text, max_results=1000, page_token=token)
        yield from page
        if not (token := page.token):
            return


def _version(entity: Any) -> Version:
    return Version(
        model=str(entity.name),
        number=str(entity.version),
        run_id=entity.run_id or None,
        source=str(entity.source),
        aliases=tuple(entity.aliases),
        tags=dict(entity.tags),
        created_ms=int(entity.creation_timestamp),
    )
