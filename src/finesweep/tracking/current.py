"""MLflow's store and experiment of the whole process, which `open_store` sets: kept, and put back.

Both are private in MLflow: it says what they are, but not whether they were ever set.
"""

from __future__ import annotations

from typing import NamedTuple

from mlflow import set_tracking_uri
from mlflow.tracking import fluent
from mlflow.tracking._tracking_service import utils


class Current(NamedTuple):
    """What MLflow's own functions go by; None where its environment or defaults say it."""

    uri: str | None
    experiment_id: str | None


NOTHING = Current(None, None)


def current() -> Current:
    """What is set now."""
    return Current(utils._tracking_uri, fluent._active_experiment_id)


def set_current(former: Current) -> None:
    """Sets it again. MLflow also writes it to the environment, which is the caller's to keep."""
    set_tracking_uri(former.uri)  # type: ignore[arg-type]  # None unsets it
    fluent._active_experiment_id = former.experiment_id  # type: ignore[assignment]
