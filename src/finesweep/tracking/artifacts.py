"""A run's artifacts, read one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlflow import MlflowClient


def artifact_path(client: MlflowClient, run_id: str, name: str) -> Path | None:
    """The run's artifact of this name, on this machine; None if there is none."""
    folder, _, _ = name.rpartition("/")
    if name not in {each.path for each in client.list_artifacts(run_id, folder or None)}:
        return None
    return Path(client.download_artifacts(run_id, name))


def artifact(client: MlflowClient, run_id: str, name: str) -> bytes | None:
    """The content of the run's artifact of this name; None if there is none."""
    path = artifact_path(client, run_id, name)
    return None if path is None else path.read_bytes()


def json_artifact(client: MlflowClient, run_id: str, name: str) -> Any:
    """The value of a JSON artifact; None if there is none."""
    text = artifact(client, run_id, name)
    return None if text is None else json.loads(text)
