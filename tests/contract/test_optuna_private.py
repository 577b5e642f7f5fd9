"""Optuna's private names that finesweep uses still exist and behave as expected.

Only `sweep/study/optuna_private.py` uses them. They were taken from Optuna 5.0; a release that
renames one fails here first.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import TrialState

from finesweep.sweep.study.optuna_private import (
    STORAGE_CALLS,
    claim_trial,
    contains,
    drop_cached_trials,
    engine_of,
    fail_trial,
    running_trial,
    storage_class,
    storage_of,
    trial_now,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return optuna.create_study(storage=f"sqlite:///{tmp_path / 'optuna.db'}")


def test_a_study_uses_a_cached_storage_whose_backend_has_the_engine(study: optuna.Study) -> None:
    storage = storage_of(study)
    assert isinstance(storage, _CachedStorage)
    assert isinstance(storage._backend, RDBStorage)
    assert engine_of(study) is storage._backend.engine


def test_the_cache_calls_only_backend_methods_that_are_wrapped() -> None:
    tree = ast.parse(inspect.getsource(_CachedStorage).strip())
    called = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "_backend"
    }
    heartbeats = {"record_heartbeat", "_get_stale_trial_ids", "get_heartbeat_interval"}
    callbacks = {"get_heartbeat_stale_trial_callback", "remove_session", "check_trial_is_updatable"}
    assert called - heartbeats - callbacks <= set(STORAGE_CALLS)
    assert all(hasattr(RDBStorage, name) for name in STORAGE_CALLS)


def test_each_call_of_a_wrapped_storage_goes_through_the_wrapper(tmp_path: Path) -> None:
    calls = list[str]()

    def recorded(call):  # type: ignore[no-untyped-def]
        def wrapper(*args, **kwargs):  # type: ignore[no-untyped-def]
            calls.append(call.__name__)
            return call(*args, **kwargs)

        return wrapper

    storage = storage_class(recorded)(f"sqlite:///{tmp_path / 'optuna.db'}")
    study = optuna.create_study(storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    assert {"create_new_study", "_create_new_trial", "_set_trial_param"} <= set(calls)


def test_a_waiting_trial_is_claimed_once_and_fails_once(study: optuna.Study) -> None:
    study.enqueue_trial({"x": 0.5})
    assert claim_trial(study, 0)
    assert not claim_trial(study, 0)
    assert trial_now(study, 0).state == TrialState.RUNNING
    assert running_trial(study, 0).suggest_float("x", 0, 1) == 0.5
    fail_trial(study, 0, {"reason": "killed"})
    assert trial_now(study, 0).state == TrialState.FAIL
    assert trial_now(study, 0).user_attrs == {"reason": "killed"}
    with pytest.raises(UpdateFinishedTrialError):
        fail_trial(study, 0, {})


def test_trials_cached_for_the_last_trial_are_dropped(study: optuna.Study) -> None:
    study.ask()
    study._thread_local.cached_all_trials = ["stale"]  # type: ignore[list-item]
    drop_cached_trials(study)
    assert study._thread_local.cached_all_trials is None


@pytest.mark.parametrize(("value", "is_in"), [(0.5, True), (1.5, False), ("x", False)])
def test_a_distribution_contains_its_values_only(value: object, is_in: bool) -> None:
    assert hasattr(BaseDistribution, "_contains")
    assert contains(FloatDistribution(0, 1), value) is is_in
