"""A sweep is stopped for all its workers, and deleted with what it left."""

from __future__ import annotations

import io
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna import Study
from tests.unit.sweep.studies import new_study

from finesweep.cli.sweeps import delete, status
from finesweep.config import SweepPlan
from finesweep.errors import ConfigError, FinesweepError
from finesweep.sweep.selection.confirmation import make_confirmation
from finesweep.sweep.stop_and_delete import delete_study, stop
from finesweep.sweep.study.keys import DEFINITION, GIVEN, PARENT_RUN_ID, STOP, SWEEP
from finesweep.sweep.study.leases import Lease, workers_of
from finesweep.sweep.study.optuna_private import engine_of, storage_of
from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.pages.views import SHARED

pytestmark = pytest.mark.slow

ATTRIBUTES = {SWEEP: "demo", DEFINITION: {}, GIVEN: ["workers=2"]}


@pytest.fixture
def study(workplace: Path) -> Iterator[Study]:
    """With a confirmation beside it, checkpoints of both, and those of another study."""
    made = new_study(**ATTRIBUTES)
    make_confirmation(made)
    for name in ("demo", "demo+confirmation", "demo-2"):
        (workplace / "mlruns" / "checkpoints" / name / "slot-0000").mkdir(parents=True)
    yield made
    engine_of(made).dispose()


@contextmanager
def at_work(study: Study, name: str = "demo") -> Iterator[None]:
    lease = Lease(engine_of(study), name, lease_seconds=60, hang_seconds=60, on_hang=lambda: None)
    yield
    lease.leave()


def checkpoints() -> list[str]:
    return sorted(each.name for each in Path("mlruns/checkpoints").iterdir())


class Terminal(io.StringIO):
    """At which Ctrl-D was pressed."""

    def isatty(self) -> bool:
        return True


def test_nothing_is_deleted_when_the_question_is_left_with_ctrl_d(
    study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    url = engine_of(study).url.render_as_string()
    assert delete.run(["demo", f"storage.url={url}"]) == 1
    assert capsys.readouterr().out.endswith("\nnothing removed\n")
    assert len(checkpoints()) == 3


def test_stopping_asks_the_workers_of_both_studies_and_says_how_to_go_on(study: Study) -> None:
    with at_work(study), at_work(study, "demo+confirmation"):
        asked, command = stop("demo", str(engine_of(study).url))
    assert (asked, command) == (2, "finesweep sweep demo workers=2")
    assert study.user_attrs[STOP] == "stopped by finesweep stop demo"


def test_a_study_that_is_not_there_is_told_with_the_nearest_name(study: Study) -> None:
    with pytest.raises(ConfigError, match=r"no study 'demi' in .*; did you mean 'demo'\?"):
        stop("demi", str(engine_of(study).url))


def test_a_sweep_at_work_is_not_deleted(study: Study, demo: SweepPlan) -> None:
    message = r"^1 workers are running; stop them first: finesweep stop demo$"
    with at_work(study, "demo+confirmation"), pytest.raises(FinesweepError, match=message):
        delete_study(study, demo.base.config, runs=False)
    assert checkpoints() == ["demo", "demo+confirmation", "demo-2"]


def test_study_confirmation_checkpoints_and_leases_are_deleted(
    study: Study, demo: SweepPlan
) -> None:
    dead = Lease(engine_of(study), "demo", lease_seconds=60, hang_seconds=60, on_hang=lambda: None)
    dead._is_leaving.set()
    with engine_of(study).begin() as connection:
        connection.exec_driver_sql("UPDATE finesweep_workers SET beat = 0")
    assert delete_study(study, demo.base.config, runs=False) == 0
    assert optuna.get_all_study_names(storage_of(study)) == []
    assert workers_of(engine_of(study), "demo") == []
    assert checkpoints() == ["demo-2"]


def test_runs_are_deleted_when_asked_and_others_are_left(
    study: Study, demo: SweepPlan, store: TrackingStore
) -> None:
    parents = [start_run(store, name=uuid.uuid4().hex) for _ in range(2)]
    runs = [
        start_run(store, name="trial", parent_run_id=parent.run_id)
        for parent in (*parents, parents[0])
    ]
    study.set_user_attr(PARENT_RUN_ID, parents[0].run_id)
    tracking = replace(
        demo.base.config.tracking,
        uri=store.uri,
        experiment=store.client.get_experiment(store.experiment_id).name,
    )
    config = replace(demo.base.config, tracking=tracking)
    view = f"{SHARED}finesweep-sweep-demo"
    store.client.set_experiment_tag(store.experiment_id, view, "{}")
    assert delete_study(study, config, runs=True) == 3
    assert view not in store.client.get_experiment(store.experiment_id).tags
    stages = [store.client.get_run(run.run_id).info.lifecycle_stage for run in (*parents, *runs)]
    assert stages == ["deleted", "active", "deleted", "active", "deleted"]


def test_a_store_that_is_away_costs_only_the_view(study: Study, demo: SweepPlan) -> None:
    Path("no.db").write_text("no database" * 100)
    tracking = replace(demo.base.config.tracking, uri="sqlite:///no.db")
    said: list[str] = []
    delete_study(study, replace(demo.base.config, tracking=tracking), runs=False, warn=said.append)
    assert optuna.get_all_study_names(storage_of(study)) == []
    (line,) = said
    assert line.startswith("its view is still in MLflow: tracking.uri: cannot open")


def test_a_sweep_that_never_had_a_run_deletes_none(study: Study, demo: SweepPlan) -> None:
    assert delete_study(study, demo.base.config, runs=True) == 0
    assert not Path("mlruns/mlflow.db").exists()


def test_a_sweep_that_is_deleted_while_it_is_watched_is_told_in_one_sentence(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = engine_of(study).url.render_as_string()
    study.set_user_attr(DEFINITION, {"sweep.metric": "validation/loss"})
    monkeypatch.setattr(
        status.time,
        "sleep",
        lambda seconds: optuna.delete_study(study_name="demo", storage=storage_of(study)),
    )
    with pytest.raises(ConfigError, match="no study 'demo'"):
        status.run(["demo", "--watch", f"storage.url={url}"])
