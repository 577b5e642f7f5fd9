"""The provenance of a run as MLflow tags: versions, user and commit."""

from __future__ import annotations

import getpass
import json
import platform
import subprocess
from functools import cache
from importlib.metadata import version

from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_USER

PACKAGES = ("finesweep", "torch", "transformers", "datasets", "optuna", "mlflow", "hydra-core")


@cache
def provenance() -> dict[str, str]:
    """Tags that are the same for every run of this process."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    tags = {MLFLOW_USER: _user(), "finesweep.versions": json.dumps(versions)}
    commit = _git_commit()
    return tags | ({MLFLOW_GIT_COMMIT: commit} if commit else {})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        return "unknown"


def _git_commit() -> str | None:
    """The commit of the current folder; None outside a repository or without git."""
    try:
        completed = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return completed.stdout.strip()
