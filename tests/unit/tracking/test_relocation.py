"""A store in a project's folder moves with it, and never writes to the old folder."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from mlflow import MlflowClient

from finesweep.config import TrackingConfig
from finesweep.errors import ConfigError
from finesweep.tracking import Run, TrackingStore, open_store, relocation, start_run

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Project:
    """A folder with a store, and the run logged before it was moved."""

    folder: Path
    run_id: str
    artifacts: str = "mlruns/artifacts"

    @property
    def database(self) -> Path:
        return self.folder / "mlruns" / "mlflow.db"

    def open(self) -> TrackingStore:
        artifacts = str(self.folder / self.artifacts)
        return open_store(TrackingConfig(uri=f"sqlite:///{self.database}", artifacts=artifacts))

    def text(self) -> Path:
        """The file that the run logged."""
        run = MlflowClient(f"sqlite:///{self.database}").get_run(self.run_id)
        return Path(unquote(run.info.artifact_uri.removeprefix("file://"))) / "a.txt"

    def execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.database)) as opened, opened:
            for statement in statements:
                opened.execute(statement)

    def places(self) -> set[str]:
        """Every value in the database that contains a project's folder."""
        with closing(sqlite3.connect(self.database)) as opened:
            tables = opened.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall()
            texts: set[str] = set()
            for (table,) in tables:
                for row in opened.execute(f'SELECT * FROM "{table}"'):
                    texts |= {each for each in row if isinstance(each, str) and "/made" in each}
            return texts


def made(folder: Path, artifacts: str = "mlruns/artifacts") -> Project:
    """A project whose store has a run, a logged model, a version and a trace."""
    project = Project(folder, "", artifacts)
    store = project.open()
    run = start_run(store, name="before")
    run.log_text("before", "a.txt")
    client = store.client
    model = client.create_logged_model(store.experiment_id, source_run_id=run.run_id)
    client.create_registered_model("m")
    client.create_model_version("m", model.model_uri, model_id=model.model_id)
    client.create_model_version("m", f"{model.artifact_location}/sub")
    span = client.start_trace("t", experiment_id=store.experiment_id)
    client.end_trace(span.trace_id)
    return Project(folder, run.run_id, artifacts)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("template") / "made"
        folder.mkdir()
        patch.chdir(folder)  # MLflow's own Default experiment lies below it
        return made(folder)


@pytest.fixture
def old(template: Project, tmp_path: Path) -> Project:
    """The template's project in the test's own folder, which its database records."""
    folder = tmp_path / "made"
    shutil.copytree(template.folder, folder)
    project = Project(folder, template.run_id)
    project.open()
    return project


def moved(old: Project, folder: Path) -> Project:
    folder.parent.mkdir(exist_ok=True, parents=True)
    old.folder.rename(folder)
    return Project(folder, old.run_id, old.artifacts)


def written(store: TrackingStore) -> Run:
    run = start_run(store, name="after")
    run.log_text("after", "a.txt")
    return run


@pytest.mark.parametrize("name", ["new", "my project #1 (100%)", 'ü\'s "best"', "a/b/c"])
def test_a_store_that_was_moved_is_read_and_written_where_it_lies(
    old: Project, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    new = moved(old, tmp_path / "elsewhere" / name)
    caplog.clear()
    store = new.open()
    assert caplog.messages == [
        f"the MLflow store was moved here from {old.folder}/mlruns: its paths are now"
        f" {new.folder}/mlruns"
    ]
    assert new.text().read_text() == "before"
    after = written(store)
    assert (new.folder / "mlruns" / "artifacts" / after.run_id / "artifacts" / "a.txt").is_file()
    assert not old.folder.exists()
    assert new.places() == set()
    caplog.clear()
    new.open()
    assert caplog.messages == []


def test_a_copy_writes_into_itself_and_leaves_the_first_as_it_was(
    old: Project, tmp_path: Path
) -> None:
    copy = Project(tmp_path / "copy", old.run_id)
    shutil.copytree(old.folder, copy.folder)
    before = {path: path.read_bytes() for path in old.folder.rglob("*") if path.is_file()}
    after = written(copy.open())
    assert copy.text().is_relative_to(copy.folder)
    assert (copy.folder / "mlruns" / "artifacts" / after.run_id).is_dir()
    assert {p: p.read_bytes() for p in old.folder.rglob("*") if p.is_file()} == before
    assert old.text().is_relative_to(old.folder)


def test_a_store_that_is_older_than_its_tag_moves_too(old: Project, tmp_path: Path) -> None:
    old.execute(f"DELETE FROM experiment_tags WHERE key = '{relocation.STORE_TAG}'")
    new = moved(old, tmp_path / "new")
    written(new.open())
    assert new.text().read_text() == "before"
    assert not old.folder.exists()
    assert new.places() == set()


def test_a_store_without_any_files_yet_is_written_where_it_lies(
    old: Project, tmp_path: Path
) -> None:
    shutil.rmtree(old.folder / "mlruns" / "artifacts")
    new = moved(old, tmp_path / "new")
    written(new.open())
    assert not old.folder.exists()


def test_artifacts_beside_the_database_move_with_the_project(
    template: Project, tmp_path: Path
) -> None:
    (tmp_path / "made" / "mlruns").mkdir(parents=True)
    shutil.copy(template.database, tmp_path / "made" / "mlruns")
    beside = Project(tmp_path / "made", "", "arts")
    beside.execute("UPDATE experiments SET name = 'other' WHERE name = 'finesweep'")
    run = written(beside.open())
    new = moved(Project(beside.folder, run.run_id, "arts"), tmp_path / "new")
    after = written(new.open())
    assert (new.folder / "arts" / after.run_id).is_dir()
    assert new.text().is_relative_to(new.folder / "arts")
    assert not beside.folder.exists()


def test_artifacts_that_the_user_keeps_elsewhere_stay_there(old: Project, tmp_path: Path) -> None:
    shared = TrackingConfig(
        uri=f"sqlite:///{old.database}", artifacts=str(tmp_path / "shared"), experiment="shared"
    )
    kept = written(open_store(shared))
    new = moved(old, tmp_path / "deeper" / "new")
    store = new.open()
    here = TrackingConfig(uri=store.uri, artifacts="nowhere", experiment="shared")
    after = written(open_store(here))
    folders = {path.name for path in (tmp_path / "shared").iterdir()}
    assert folders == {kept.run_id, after.run_id}


def test_a_database_that_was_copied_alone_still_reads_the_files_it_left(
    old: Project, tmp_path: Path
) -> None:
    backup = Project(tmp_path / "backup", old.run_id)
    (backup.folder / "mlruns").mkdir(parents=True)
    shutil.copy(old.database, backup.database)
    backup.open()
    assert backup.text().is_relative_to(old.folder)


def test_a_folder_under_another_name_is_the_same_folder(
    old: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "link").symlink_to(old.folder)
    caplog.clear()
    Project(tmp_path / "link", old.run_id).open()
    assert caplog.messages == []
    assert old.text().is_relative_to(old.folder)


def test_a_store_that_was_made_on_windows_is_found(old: Project, tmp_path: Path) -> None:
    uri, path = (old.folder / "mlruns").as_uri(), (old.folder / "mlruns").as_posix()
    columns = [*relocation.COLUMNS, ("experiment_tags", "value")]
    for before, after in ((uri, "file:///C:/Users/me/made/mlruns"), (path, "C:/Users/me/made")):
        old.execute(
            *(f"UPDATE {t} SET {c} = replace({c}, '{before}', '{after}')" for t, c in columns)
        )
    new = moved(old, tmp_path / "new")
    written(new.open())
    assert new.text().read_text() == "before"


def test_a_store_that_cannot_be_written_says_what_would_be(
    old: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = moved(old, tmp_path / "new")
    monkeypatch.setattr(relocation, "BUSY_SECONDS", 0)
    with closing(sqlite3.connect(new.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        why = rf"^tracking\.uri: the store was moved here from {old.folder}/mlruns, but its paths"
        with pytest.raises(ConfigError, match=why):
            new.open()
