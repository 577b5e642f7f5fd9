"""MLflow's process-wide store and experiment, which `open_store` sets: read and restored.

Both are private in MLflow: its public functions do not tell whether they were set.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from mlflow import set_tracking_uri
from mlflow.tracking import fluent
from mlflow.tracking._tracking_service import utils

VARIABLE = "MLFLOW_TRACKING_URI"


class Current(NamedTuple):
    """MLflow's process-wide settings; None if its environment or defaults apply."""

    uri: str | None
    experiment_id: str | None


NOTHING = Current(None, None)


def go_by(uri: str) -> None:
    """Has MLflow's own functions use this store.

    MLflow writes it to the environment too, where the next config of this process would find it.
    """
    before = os.environ.get(VARIABLE)
    set_tracking_uri(uri)
    if before is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = before


def current() -> Current:
    """The current settings."""
    return Current(utils._tracking_uri, fluent._active_experiment_id)


def set_current(former: Current) -> None:
    """Restores settings. MLflow also writes them to the environment, which callers must restore."""
    set_tracking_uri(former.uri)  # type: ignore[arg-type]  # None unsets it
    fluent._active_experiment_id = former.experiment_id  # type: ignore[assignment]
