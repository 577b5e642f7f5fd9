"""The store is created once, by the first process, and explains why it cannot be opened."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow.utils.model_utils import env_var_tracker
from tests.unit.tracking.openers import opened_at_once

from finesweep.config import TrackingConfig
from finesweep.errors import ConfigError
from finesweep.tracking import TrackingStore, open_store
from finesweep.tracking.current import current, set_current

pytestmark = pytest.mark.slow

N_PROCESSES = 6


@pytest.mark.slow
def test_processes_that_meet_an_empty_folder_make_one_store(workplace: Path) -> None:
    uri = f"sqlite:///{workplace / 'mlruns' / 'mlflow.db'}"
    assert opened_at_once(uri, N_PROCESSES) == ["1"] * N_PROCESSES
    with sqlite3.connect(workplace / "mlruns" / "mlflow.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        names = [name for (name,) in database.execute("SELECT name FROM experiments")]
        assert sorted(names) == ["Default", "finesweep"]
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (N_PROCESSES,)
    database.close()
    assert not list((workplace / "mlruns").glob("*.new*"))


def test_a_store_is_opened_again_with_the_same_experiment(
    store: TrackingStore, workplace: Path
) -> None:
    again = open_store(TrackingConfig(uri=store.uri, artifacts=str(workplace / "elsewhere")))
    assert again.experiment_id == store.experiment_id
    other = open_store(TrackingConfig(uri=store.uri, experiment="store-other"))
    assert other.experiment_id != store.experiment_id


def test_artifacts_lie_in_an_absolute_place_whatever_the_folder_later(
    store: TrackingStore, workplace: Path
) -> None:
    relative = TrackingConfig(uri=store.uri, artifacts="mlruns/artifacts", experiment="relative")
    made = open_store(relative)
    found = store.client.get_experiment(made.experiment_id)
    assert found.artifact_location == (workplace / "mlruns" / "artifacts").as_uri()
    for elsewhere in ("s3://bucket/a", "mlflow-artifacts:/ours"):
        shared = TrackingConfig(uri=store.uri, artifacts=elsewhere, experiment=elsewhere[:2])
        found = store.client.get_experiment(open_store(shared).experiment_id)
        assert found.artifact_location == elsewhere


def test_mlflow_does_not_watch_what_other_threads_read_of_the_environment(
    store: TrackingStore,
) -> None:
    """A name that a progress bar's thread reads while a model is logged would fail the run."""
    with env_var_tracker() as watched:
        assert os.environ.get("PATH")
    assert watched == set()


def test_models_are_logged_to_the_store_that_was_opened_last(store: TrackingStore) -> None:
    for experiment in ("store-last", "finesweep"):
        opened = open_store(TrackingConfig(uri=store.uri, experiment=experiment))
        assert mlflow.get_tracking_uri() == store.uri
        assert mlflow.tracking.fluent._get_experiment_id() == opened.experiment_id
        assert mlflow.active_run() is None


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("nonsense://x", "unsupported URI"),
        ("mlruns", "filesystem tracking backend"),
        ("sqlite:///file/below/mlflow.db", "(Not a directory|File exists)"),
    ],
)
def test_a_store_that_cannot_be_opened_is_named(workplace: Path, uri: str, why: str) -> None:
    (workplace / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=rf"^tracking\.uri: cannot open '{uri}': .*{why}"):
        open_store(TrackingConfig(uri=uri))


@pytest.mark.parametrize(
    ("uri", "why"), [("sqlite:///file", "not a database"), ("mysql://127.0.0.1:1/x", "No module")]
)
def test_a_database_that_cannot_be_used_is_named(workplace: Path, uri: str, why: str) -> None:
    (workplace / "file").write_text("not a database, though it is long enough\n" * 50)
    with pytest.raises(ConfigError, match=rf"^tracking\.uri: cannot open '{uri}': .*{why}"):
        open_store(TrackingConfig(uri=uri))


def test_an_experiment_that_was_deleted_is_named_with_the_way_back(store: TrackingStore) -> None:
    config = TrackingConfig(uri=store.uri, experiment="store-deleted")
    number = open_store(config).experiment_id
    store.client.delete_experiment(number)
    why = rf"^tracking\.experiment: 'store-deleted' was deleted; .* --experiment-id {number}`"
    with pytest.raises(ConfigError, match=why):
        open_store(config)
    store.client.restore_experiment(number)
    assert open_store(config).experiment_id == number


@pytest.mark.parametrize("name", ["", "n" * 600])
def test_an_experiment_that_mlflow_cannot_name_so_is_told_by_its_field(
    store: TrackingStore, name: str
) -> None:
    with pytest.raises(ConfigError, match=r"^tracking\.experiment: "):
        open_store(TrackingConfig(uri=store.uri, experiment=name))


@pytest.mark.parametrize("name", ['bob\'s "runs"', "<b>é</b> %_ ; --", "a/b\\c"])
def test_an_experiment_may_be_called_anything(store: TrackingStore, name: str) -> None:
    config = TrackingConfig(uri=store.uri, experiment=name)
    number = open_store(config).experiment_id
    assert open_store(config).experiment_id == number
    assert store.client.get_experiment(number).name == name


@pytest.fixture
def _current_store_kept() -> Iterator[None]:
    """Other tests log models to the session's store."""
    before = current()
    yield
    set_current(before)


@pytest.mark.usefixtures("_current_store_kept")
def test_each_folder_has_a_store_of_its_own_in_one_process(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("one", "other"):
        (workplace / name).mkdir()
        monkeypatch.chdir(workplace / name)
        opened = open_store(TrackingConfig(uri="sqlite:///mlruns/mlflow.db", experiment=name))
        assert opened.uri == f"sqlite:///{workplace / name}/mlruns/mlflow.db"
        assert [each.name for each in opened.client.search_experiments()] == [name, "Default"]
    assert "MLFLOW_TRACKING_URI" not in os.environ  # where the next config would find it
