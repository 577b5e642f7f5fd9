"""Versions of registered models as they are found, and what their runs say of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from finesweep.tracking import TEST_FINGERPRINT
from finesweep.tracking.names import clause
from finesweep.tracking.predictions import FILE, read_predictions

MISSING = {ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), ErrorCode.Name(INVALID_PARAMETER_VALUE)}
"""What MLflow answers to a name, a version or an alias that is not there."""


@dataclass(frozen=True)
class Version:
    """One version of a registered model, with the run that made it."""

    model: str
    number: str
    run_id: str
    source: str
    """URI of its LoggedModel."""
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    created_ms: int


def models_of(client: MlflowClient) -> list[str]:
    """Names of all registered models."""
    return [model.name for model in _pages(client.search_registered_models)]


def versions_of(client: MlflowClient, model: str) -> list[Version]:
    """All versions, the oldest first."""
    found = _pages(client.search_model_versions, clause("name", model))
    numbers = sorted(int(each.version) for each in found if each.name == model)
    return [_version(client.get_model_version(model, str(number))) for number in numbers]


def version_at(client: MlflowClient, model: str, alias: str) -> Version | None:
    """The version that bears an alias."""
    try:
        return _version(client.get_model_version_by_alias(model, alias))
    except MlflowException as error:
        if error.error_code in MISSING:
            return None
        raise


def version_of(client: MlflowClient, uri: str) -> Version | None:
    """The version that models:/NAME@ALIAS or models:/NAME/NUMBER names; None for any other URI."""
    named = re.fullmatch(r"models:/(?P<name>[^/]+)(?:@(?P<alias>[^/@]+)|/(?P<number>\d+))", uri)
    if named is None:
        return None
    if alias := named["alias"]:
        return version_at(client, named["name"], alias)
    return _version(client.get_model_version(named["name"], named["number"]))


def scored(client: MlflowClient, version: Version) -> Scored:
    """What the version's run found on its test split; ConfigError when it never looked at one."""
    run = client.get_run(version.run_id)
    try:
        path = client.download_artifacts(version.run_id, f"test/{FILE}")
    except (MlflowException, OSError) as error:
        raise ConfigError(Problem(version.model, _unread(version, run))) from error
    answered = read_predictions(path)
    metrics = run.data.metrics
    return Scored(
        version=version.number,
        fingerprint=run.data.tags.get(TEST_FINGERPRINT, ""),
        label_names=answered.label_names,
        labels=answered.labels,
        guesses=answered.predicted,
        metrics={name: value for name, value in metrics.items() if name.startswith("test/")},
        latency_ms=metrics.get("latency_ms/one_p50", float("nan")),
        size_bytes=int(metrics.get("model/bytes", 0)),
    )


def _unread(version: Version, run: Run) -> str:
    """Why there are no predictions: the run never looked at a test split, or its files are gone."""
    if TEST_FINGERPRINT not in run.data.tags:
        return f"version {version.number} has no predictions of a test split in its run"
    return f"the files of version {version.number}'s run are not in {run.info.artifact_uri}"


def test_fingerprint(client: MlflowClient, version: Version) -> str:
    """Of the rows that the version's run looked at."""
    return str(client.get_run(version.run_id).data.tags.get(TEST_FINGERPRINT, ""))


def wrong_rows(client: MlflowClient, version: Version) -> dict[int, dict[str, str]]:
    """Row → text, truth and wrong answer, of the version's own look at the test split."""
    path = Path(client.download_artifacts(version.run_id, "test/errors.json"))
    return {
        int(row["row"]): {"text": row["text"], "truth": row["truth"], "wrong": row["prediction"]}
        for row in json.loads(path.read_text(encoding="utf-8"))
    }


def slices(client: MlflowClient, version: Version) -> dict[str, dict[str, Any]]:
    """Slice of the test rows → how many rows it has, and the accuracy in it, in the run's order."""
    text = _artifact(client, version, "test/slices.json")
    return {} if text is None else {each.pop("slice"): each for each in json.loads(text)}


def picture(client: MlflowClient, version: Version) -> bytes | None:
    """A PNG: calibration and coverage on the test rows."""
    return _artifact(client, version, "test/answers.png")


def config_text(client: MlflowClient, version: Version) -> str:
    """The composed config of the version's run, as YAML."""
    path = client.download_artifacts(version.run_id, "config.yaml")
    return Path(path).read_text(encoding="utf-8")


def described_run(client: MlflowClient, version: Version) -> dict[str, Any]:
    """What a dossier says of a version: where it comes from, and what it was made from."""
    run = client.get_run(version.run_id)
    tags, config = run.data.tags, _artifact(client, version, "config.yaml")
    kept = ("data_fingerprint", "test_fingerprint", "weights_sha256", "versions", "sweep")
    return {
        "version": version.number,
        "run": version.run_id,
        "model": run.data.params.get("model", ""),
        **{name: tags.get(f"finesweep.{name}", "") for name in kept},
        "config_sha256": "" if config is None else hashlib.sha256(config).hexdigest(),
        "commit": tags.get("mlflow.source.git.commit", ""),
        "metrics": {
            name: value
            for name, value in run.data.metrics.items()
            if name.startswith(("test/", "latency_ms/", "model/"))
        },
    }


def _pages(search: Callable[..., Any], text: str | None = None) -> Iterator[Any]:
    """All that a search of MLflow's finds."""
    token: str | None = None
    while True:
        page = search(text, max_results=1000, page_token=token)
        yield from page
        if not (token := page.token):
            return


def _artifact(client: MlflowClient, version: Version, name: str) -> bytes | None:
    """Of the version's run; None where it keeps none of that name."""
    folder, _, _ = name.rpartition("/")
    if name not in {each.path for each in client.list_artifacts(version.run_id, folder or None)}:
        return None
    return Path(client.download_artifacts(version.run_id, name)).read_bytes()


def _version(found: Any) -> Version:
    return Version(
        model=str(found.name),
        number=str(found.version),
        run_id=str(found.run_id),
        source=str(found.source),
        aliases=tuple(found.aliases),
        tags=dict(found.tags),
        created_ms=int(found.creation_timestamp),
    )
