"""A sweep has one run of its own, above those of its trials, which ends as the sweep does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from optuna import Study
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial
from tests.unit.sweep.studies import add_trial, new_study

from finesweep.config import SweepPlan
from finesweep.sweep import parent_run
from finesweep.sweep.parent_run import close_orphans, open_parent, parent_of, show_best
from finesweep.sweep.study.keys import BEST_RUN, DATA_NOTES, DEFINITION, PARENT_RUN_ID, SLOT, UID
from finesweep.sweep.study.leases import Lease
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.tracking import PARENT, Run, TrackingStore, find_runs, start_run

pytestmark = pytest.mark.slow

RATE = "training.learning_rate|model=minilm"


@pytest.fixture
def study() -> Iterator[Study]:
    """One of its own id: all tests share the store of runs."""
    defined = {"sweep.metric": "validation/loss", "training.epochs": "range(1, 3)"}
    made = new_study(**{UID: uuid.uuid4().hex, DEFINITION: defined})
    yield made
    engine_of(made).dispose()


def child_of(parent: Run, study: Study, number: int) -> Run:
    tags = {"finesweep.uid": f"{study.user_attrs[UID]}/{number}"}
    return start_run(parent.store, name=str(number), parent_run_id=parent.run_id, tags=tags)


def known(run: Run) -> tuple[str, dict[str, str]]:
    """Its status and tags."""
    found = run.store.client.get_run(run.run_id)
    return found.info.status, found.data.tags


def test_the_parent_is_made_once_and_is_running_again(
    store: TrackingStore, study: Study, demo: SweepPlan
) -> None:
    first = open_parent(store, study, demo)
    first.finish("FINISHED")
    again = open_parent(store, study, demo)
    assert again.run_id == first.run_id == study.user_attrs[PARENT_RUN_ID]
    status, tags = known(again)
    assert (status, tags["finesweep.kind"], tags["finesweep.sweep"]) == ("RUNNING", "sweep", "demo")
    path = Path(store.client.download_artifacts(first.run_id, "sweep.yaml"))
    defined = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (defined["study"], defined["n_trials"]) == ("demo", demo.settings.n_trials)
    assert defined["training.epochs"] == "range(1, 3)"


def test_children_of_a_deleted_parent_stand_under_the_next_one(
    store: TrackingStore, study: Study, demo: SweepPlan
) -> None:
    first = open_parent(store, study, demo)
    child = child_of(first, study, 0)
    store.client.delete_run(first.run_id)
    second = open_parent(store, study, demo)
    assert second.run_id != first.run_id
    assert known(child)[1][PARENT] == second.run_id
    assert study.user_attrs[PARENT_RUN_ID] == second.run_id


def test_the_parent_ends_as_the_sweep_does(
    store: TrackingStore, study: Study, demo: SweepPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent_run, "open_store", lambda config: store)
    with parent_of(demo, study) as parent:
        assert known(parent)[0] == "RUNNING"
    assert known(parent)[0] == "FINISHED"
    with pytest.raises(ZeroDivisionError), parent_of(demo, study):
        raise ZeroDivisionError("by zero")
    status, tags = known(parent)
    assert (status, tags["finesweep.reason"]) == ("FAILED", "ZeroDivisionError: by zero")


def test_a_coordinator_that_fails_leaves_the_parent_to_workers_that_live(
    store: TrackingStore, study: Study, demo: SweepPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent_run, "open_store", lambda config: store)
    lease = Lease(engine_of(study), "demo", lease_seconds=60, hang_seconds=60, on_hang=lambda: None)
    with pytest.raises(KeyboardInterrupt), parent_of(demo, study) as parent:
        raise KeyboardInterrupt
    lease.leave()
    assert known(parent)[0] == "RUNNING"


def test_runs_end_whose_trials_have_ended(
    store: TrackingStore, study: Study, demo: SweepPlan
) -> None:
    parent = open_parent(store, study, demo)
    for state in (TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING):
        add_trial(study, state)
    children = [child_of(parent, study, number) for number in range(4)]
    close_orphans(parent, study)
    assert [known(child)[0] for child in children] == ["KILLED", "FAILED", "RUNNING", "RUNNING"]
    assert known(children[0])[1]["finesweep.trial_state"] == "PRUNED"
    names = [store.client.get_run(child.run_id).info.run_name for child in children]
    assert names == ["0 · pruned", "1", "2", "3"]


def test_the_best_trial_is_shown_on_the_parent(
    store: TrackingStore, study: Study, demo: SweepPlan
) -> None:
    parent = open_parent(store, study, demo)
    show_best(store, study)
    assert BEST_RUN not in study.user_attrs
    study.set_user_attr(f"{DATA_NOTES}a", ["two rows were dropped"])
    for number, (value, rate) in enumerate([(0.5, 0.1), (0.25, 0.2)]):
        study.add_trial(
            create_trial(
                value=value,
                params={RATE: rate},
                distributions={RATE: FloatDistribution(0, 1)},
                user_attrs={SLOT: number, "ledger": {"seconds/training": 2.0}},
            )
        )
    child = child_of(parent, study, 1)
    show_best(store, study)
    assert study.user_attrs[BEST_RUN] == {"trial": 1, "run_id": child.run_id}
    found = store.client.get_run(parent.run_id)
    assert found.data.tags["finesweep.best_trial"] == "1"
    assert found.data.tags["finesweep.best_run_id"] == child.run_id
    assert json.loads(found.data.tags["finesweep.best_params"]) == {"training.learning_rate": 0.2}
    assert found.data.tags["finesweep.data_notes"] == "two rows were dropped"
    assert found.data.metrics == {"best/validation/loss": 0.25, "seconds/training": 4.0}
    assert len(find_runs(store, {PARENT: parent.run_id})) == 1
