"""One MLflow store for all tests of a session: making its tables takes longer than they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from finesweep.tracking import TrackingStore


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrackingStore:
    from finesweep.config import TrackingConfig
    from finesweep.tracking import open_store

    folder = tmp_path_factory.getbasetemp() / "mlflow"
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return open_store(TrackingConfig(uri=uri, artifacts=str(folder / "artifacts")))
