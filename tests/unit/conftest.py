"""One MLflow store for all tests of a session, whose tables take longer to make than the tests, and
the demo sweep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.stores import put_stores

if TYPE_CHECKING:
    from finesweep.config import SweepPlan
    from finesweep.tracking import TrackingStore


@pytest.fixture(scope="session")
def session_store(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> TrackingStore:
    from finesweep.config import TrackingConfig
    from finesweep.tracking import open_store

    folder = tmp_path_factory.mktemp("mlflow")
    put_stores(empty_stores, folder)
    uri = f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}"
    return open_store(TrackingConfig(uri=uri, artifacts=str(folder / "artifacts")))


@pytest.fixture(scope="module")
def store(session_store: TrackingStore) -> TrackingStore:
    """The session's store, which MLflow uses again: a module before may have opened another."""
    import mlflow

    mlflow.set_tracking_uri(session_store.uri)
    return session_store


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> SweepPlan:
    """The packaged demo sweep, composed in a folder without files of the user's own."""
    from finesweep.config import compose_sweep

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("demo"))
        return compose_sweep("demo", [])
