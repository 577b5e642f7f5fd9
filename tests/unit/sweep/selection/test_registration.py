"""The winner becomes a version once, and again when the version or its name is another."""

from __future__ import annotations

import uuid

import pytest
from optuna import Study
from tests.unit.sweep.selection.conftest import SpentSweep
from tests.unit.sweep.selection.finalists import evaluated, plan_that

from finesweep.config import RegisterConfig, SweepPlan
from finesweep.sweep.selection.registration import register_winner
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.study.keys import N_TRIALS, REGISTERED
from finesweep.tracking import TrackingStore


@pytest.fixture
def wanted() -> RegisterConfig:
    """A name of the test's own."""
    return RegisterConfig(f"model-{uuid.uuid4().hex[:8]}", "challenger")


@pytest.fixture
def study(spent_sweep: SpentSweep) -> Study:
    return spent_sweep([("a", 0.4), ("b", 0.3)])


def register(
    demo: SweepPlan, study: Study, store: TrackingStore, wanted: RegisterConfig | None
) -> dict[str, str] | None:
    """What the study says then."""
    register_winner(plan_that(demo, wanted), study, read_state(study), store)
    return study.user_attrs.get(REGISTERED)


def test_the_winner_is_registered_once_under_its_alias(
    demo: SweepPlan, study: Study, store: TrackingStore, wanted: RegisterConfig
) -> None:
    finalist = evaluated(store, study, 1)
    first = register(demo, study, store, wanted)
    assert first == {
        "name": wanted.name,
        "version": "1",
        "alias": "challenger",
        "model_uri": finalist.model_uri,
    }
    found = store.client.get_model_version_by_alias(wanted.name, "challenger")
    assert (str(found.version), found.run_id) == ("1", finalist.run_id)
    assert found.tags["finesweep.sweep"] == "demo"
    store.client.delete_registered_model_alias(wanted.name, "challenger")  # as its owner may
    assert register(demo, study, store, wanted) == first
    assert store.client.get_registered_model(wanted.name).aliases == {}
    assert len(store.client.search_model_versions(f"name='{wanted.name}'")) == 1


def test_a_version_that_was_deleted_is_made_again(
    demo: SweepPlan, study: Study, store: TrackingStore, wanted: RegisterConfig
) -> None:
    evaluated(store, study, 1)
    register(demo, study, store, wanted)
    store.client.delete_model_version(wanted.name, "1")
    again = register(demo, study, store, wanted)
    assert again is not None
    assert again["version"] == "2"


def test_another_winner_is_another_version(
    demo: SweepPlan, study: Study, store: TrackingStore, wanted: RegisterConfig
) -> None:
    evaluated(store, study, 1)
    register(demo, study, store, wanted)
    evaluated(store, study, 1)
    again = register(demo, study, store, wanted)
    assert again is not None
    assert again["version"] == "2"


def test_another_alias_goes_to_the_same_version(
    demo: SweepPlan, study: Study, store: TrackingStore, wanted: RegisterConfig
) -> None:
    evaluated(store, study, 1)
    register(demo, study, store, wanted)
    again = register(demo, study, store, RegisterConfig(wanted.name, "candidate"))
    assert again is not None
    assert (again["version"], again["alias"]) == ("1", "candidate")
    found = store.client.get_model_version_by_alias(wanted.name, "candidate")
    assert str(found.version) == "1"


def test_nothing_is_registered_before_the_budget_is_spent_or_unasked(
    demo: SweepPlan, study: Study, store: TrackingStore, wanted: RegisterConfig
) -> None:
    evaluated(store, study, 1)
    assert register(demo, study, store, None) is None
    study.set_user_attr(N_TRIALS, 3)
    assert register(demo, study, store, wanted) is None
