"""Writes tags, aliases and dossiers of versions and models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from finesweep.errors import ConfigError, Problem, nearest
from finesweep.registry.versions.queries import MISSING, Version, models_of, required_run
from finesweep.tracking.names import MAX_REGISTRY_TAG_CHARACTERS, keys_of, text_of


def log_dossier(client: MlflowClient, version: Version, texts: Mapping[str, str]) -> str:
    """Logs texts, by path, as artifacts of the version's run; returns the URI of its artifacts."""
    run = required_run(client, version)
    for name, text in texts.items():
        client.log_text(run.info.run_id, text, name)
    return str(run.info.artifact_uri)


def tag_version(client: MlflowClient, version: Version, tags: Mapping[str, Any]) -> None:
    keys = keys_of(tags)
    for name, value in tags.items():
        text = text_of(value, MAX_REGISTRY_TAG_CHARACTERS)
        client.set_model_version_tag(version.model, version.number, keys[name], text)


def model_tag(client: MlflowClient, model: str, name: str) -> str | None:
    """A tag of the registered model; ConfigError when there is no such model."""
    try:
        tags: Mapping[str, str] = client.get_registered_model(model).tags
    except MlflowException as error:
        if error.error_code in MISSING:
            names = models_of(client)
            hint = nearest(model, names) if names else "none is registered here yet"
            raise ConfigError(Problem("MODEL", f"no registered model {model!r}; {hint}")) from error
        raise
    return tags.get(name)


def tag_model(client: MlflowClient, model: str, name: str, value: str) -> None:
    client.set_registered_model_tag(model, name, value)


def set_alias(client: MlflowClient, model: str, alias: str, number: str) -> None:
    """Moves the alias to this version."""
    client.set_registered_model_alias(model, alias, number)
