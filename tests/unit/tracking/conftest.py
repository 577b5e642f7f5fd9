"""One MLflow store for all tests of a session: making its tables takes longer than they do."""

from __future__ import annotations

import pytest

from finesweep.config import TrackingConfig
from finesweep.tracking import TrackingStore, open_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrackingStore:
    folder = tmp_path_factory.getbasetemp() / "mlflow"
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return open_store(TrackingConfig(uri=uri, artifacts=str(folder / "artifacts")))
