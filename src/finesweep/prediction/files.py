"""The files of a model, found by its URI, and the URI that always means the same model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from finesweep.config.names import MODEL_URI_FORMS, alias_in
from finesweep.databases import absolute_url, sqlite_file
from finesweep.errors import ConfigError, Problem
from finesweep.tracking.current import go_by
from finesweep.tracking.models.ensemble_files import member_folders
from finesweep.tracking.outages import is_tracking_outage
from finesweep.tracking.relocation import relocate

FLAVOR = "transformers"
STAGED = re.compile(r"models:/+[^/@]+/[^/@]*[^/@0-9][^/@]*")
"""A model and something that is no number, such as models:/NAME/latest."""


@dataclass(frozen=True)
class ModelFiles:
    """An MLflow model's files on this machine."""

    folder: Path
    """The whole model."""
    weights: Path
    """Its folder with config.json and safetensors, or model.onnx."""
    tokenizer: Path
    max_length: int | None
    """Tokens that it reads of a text; None if it was logged without."""
    run_id: str | None
    """The run that logged it."""
    members: Sequence[Path] = ()
    """The folders of an ensemble's members, in order; none for any other model."""


def find_model(uri: str, *, tracking_uri: str, field: str) -> ModelFiles:
    """The files of models:/NAME@ALIAS, models:/NAME/1, runs:/ID/model or a folder, downloaded if
    they are elsewhere; ConfigError, naming field, when there are none."""
    use_store(uri, tracking_uri=tracking_uri)
    with found_or_refused(uri, field=field):
        folder = Path(mlflow.artifacts.download_artifacts(uri))
        model = Model.load(folder)
        flavors = model.flavors
        python = flavors.get("python_function") or {}
        inference = python.get("config") or {}
        weights = flavors.get(FLAVOR, {}).get("model_binary") or python.get("data", "model")
    length = inference.get("max_length")
    return ModelFiles(
        folder=folder,
        weights=folder / weights,
        tokenizer=folder / "components" / "tokenizer",
        max_length=None if length is None else int(length),
        run_id=model.run_id,
        members=member_folders(flavors, folder),
    )


def pinned_uri(uri: str, *, tracking_uri: str, field: str) -> str:
    """models:/NAME/VERSION for models:/NAME@ALIAS, whose version may change; any other URI is
    returned as it is. ConfigError, naming field, when nothing has the alias, or for a stage or
    `latest`."""
    if (alias := alias_in(uri)) is None:
        if STAGED.fullmatch(uri):
            message = f"{uri!r} may change; use models:/NAME/VERSION or models:/NAME@ALIAS"
            raise ConfigError(Problem(field, message))
        return uri
    use_store(uri, tracking_uri=tracking_uri)
    with found_or_refused(uri, field=field):
        client = MlflowClient(tracking_uri=absolute_url(tracking_uri))
        version = client.get_model_version_by_alias(*alias)
    return f"models:/{alias[0]}/{version.version}"


def use_store(uri: str, *, tracking_uri: str) -> None:
    """Has MLflow look in this store, whose paths are updated if it was moved; ConfigError when uri
    needs a store and there is none."""
    database = sqlite_file(tracking_uri)
    if database is not None and not database.exists() and not Path(uri).exists():
        message = f"no store at {database}; run a sweep here first"
        raise ConfigError(Problem("tracking.uri", message))
    relocate(tracking_uri)
    go_by(absolute_url(tracking_uri))


@contextmanager
def found_or_refused(uri: str, *, field: str) -> Iterator[None]:
    """Turns errors of MLflow and of unreadable files within it into a ConfigError at field."""
    try:
        yield
    except (MlflowException, OSError, ValueError, ImportError) as error:
        is_location = "/" in uri and (":/" in uri or Path(uri).exists())
        hint = "" if is_location else f"; a model is named {MODEL_URI_FORMS}"
        message = f"{uri!r}: {str(error).splitlines()[0]}{hint}"
        raise ConfigError(Problem(field, message)) from error


def run_params(files: ModelFiles, *, tracking_uri: str) -> dict[str, str]:
    """The params of the run that logged the model; empty when the store does not have the run."""
    if files.run_id is None:
        return {}
    try:
        run = MlflowClient(tracking_uri=absolute_url(tracking_uri)).get_run(files.run_id)
    except MlflowException as error:
        if is_tracking_outage(error):
            raise
        return {}
    return dict(run.data.params)
