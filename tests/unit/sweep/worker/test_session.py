"""A worker joins a sweep, works through its phases, and releases everything when it leaves."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna import Study
from optuna.trial import TrialState
from tests.unit.sweep.conftest import PlanOf
from tests.unit.sweep.studies import add_trial
from tests.unit.sweep.worker.conftest import JoinedWorker

from finesweep.config import ConfirmConfig, SweepPlan
from finesweep.errors import ConfigError
from finesweep.sweep.study.keys import DEFINITION, VALUES
from finesweep.sweep.study.leases import workers_of
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.study import open_study
from finesweep.sweep.worker import session as module
from finesweep.sweep.worker.phases import Confirmation, Search
from finesweep.sweep.worker.session import WorkerSession, worker_session
from finesweep.tracking import TrackingStore

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_files")]

SWEEP = "n_trials: 2\nparams: {training.epochs: 'range(1, 3)'}"


def session_of(joined_worker: JoinedWorker, confirm: ConfirmConfig | None) -> WorkerSession:
    plan = replace(
        joined_worker.plan, settings=replace(joined_worker.plan.settings, confirm=confirm)
    )
    return WorkerSession(
        plan, joined_worker.study, joined_worker.callbacks, joined_worker.said.append
    )


def complete(study: Study, *losses: float) -> None:
    for number, loss in enumerate(losses):
        add_trial(study, TrialState.COMPLETE, loss, **{VALUES: {"training.seed": number}})


def test_the_best_are_confirmed_once_every_slot_of_the_search_is_finished(
    joined_worker: JoinedWorker,
) -> None:
    phases = session_of(joined_worker, ConfirmConfig(top_k=1, seeds=1)).phases()
    assert isinstance(next(phases), Search)
    complete(joined_worker.study, 0.5, 0.25)
    assert isinstance(next(phases), Confirmation)
    (row,) = workers_of(engine_of(joined_worker.study), "demo+confirmation")
    assert row.id == joined_worker.callbacks.worker
    assert list(phases) == []


@pytest.mark.parametrize(
    ("confirm", "losses"),
    [
        (None, (0.5, 0.25)),
        (ConfirmConfig(top_k=1, seeds=0), (0.5, 0.25)),
        (ConfirmConfig(top_k=1, seeds=1), (0.5,)),
    ],
    ids=["not wanted", "no seeds", "not spent"],
)
def test_otherwise_the_search_is_all(
    joined_worker: JoinedWorker, confirm: ConfirmConfig | None, losses: tuple[float, ...]
) -> None:
    complete(joined_worker.study, *losses)
    assert [phase.kind for phase in session_of(joined_worker, confirm).phases()] == ["trial"]


def test_a_search_of_which_nothing_completed_confirms_nothing(joined_worker: JoinedWorker) -> None:
    for _ in range(2):
        add_trial(joined_worker.study, TrialState.FAIL)
    session = session_of(joined_worker, ConfirmConfig(top_k=1, seeds=1))
    assert [phase.kind for phase in session.phases()] == ["trial"]


@pytest.fixture
def registrations(store: TrackingStore, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """For each winner that was to be registered, how the trials of its sweep had ended."""
    found: list[tuple[str, ...]] = []

    def register_winner(plan: SweepPlan, study: Study, state: Any, store: TrackingStore) -> None:
        found.append(tuple(trial.state.name for trial in state.trials))

    monkeypatch.setattr(module, "open_store", lambda config: store)
    monkeypatch.setattr(module, "register_winner", register_winner)
    return found


@pytest.mark.parametrize("losses", [(), (0.5,)])
def test_a_sweep_that_is_not_spent_is_not_finished(
    joined_worker: JoinedWorker, registrations: list[tuple[str, ...]], losses: tuple[float, ...]
) -> None:
    complete(joined_worker.study, *losses)
    session_of(joined_worker, None).finish()
    assert registrations == []


def test_a_sweep_that_is_not_confirmed_is_not_finished(
    joined_worker: JoinedWorker, registrations: list[tuple[str, ...]]
) -> None:
    complete(joined_worker.study, 0.5, 0.25)
    session_of(joined_worker, ConfirmConfig(top_k=1, seeds=1)).finish()
    assert registrations == []


def test_the_winner_is_registered_once_all_is_delivered(
    joined_worker: JoinedWorker, registrations: list[tuple[str, ...]], store: TrackingStore
) -> None:
    complete(joined_worker.study, 0.5, 0.25)
    joined_worker.study.set_user_attr(DEFINITION, {"sweep.metric": "validation/loss"})
    joined_worker.deliveries.n_waits = 3
    session_of(joined_worker, None).finish()
    assert joined_worker.deliveries.n_waits == 0
    assert registrations == [("COMPLETE", "COMPLETE")]
    parent = store.client.get_run(joined_worker.study.user_attrs["parent_run_id"])
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["finesweep.best_trial"] == "1"


@pytest.fixture
def open_sweep(plan_of: PlanOf, store: TrackingStore) -> Iterator[tuple[SweepPlan, Study]]:
    """A sweep whose command has opened its study; its runs go to the tests' own store."""
    plan = plan_of(SWEEP, f"tracking.uri={store.uri}", "training.precision=fp32")
    study = open_study(plan)
    yield plan, study
    engine_of(study).dispose()


def joining(plan: SweepPlan, messages: list[str]) -> AbstractContextManager[WorkerSession]:
    url = plan.base.config.storage.url
    return worker_session("own", url, [], say=messages.append, on_hang=lambda: None)


def test_a_worker_is_seen_while_it_has_joined(open_sweep: tuple[SweepPlan, Study]) -> None:
    plan, study = open_sweep
    messages: list[str] = []
    with joining(plan, messages) as session:
        (row,) = workers_of(engine_of(study), "own")
        assert row.id == session.callbacks.worker
        assert session.metric == "validation/loss"
        assert session.plan.settings.n_trials == 2
        engine_of(session.study).dispose()
    assert workers_of(engine_of(study), "own") == []
    assert messages == []
    assert list(Path("mlruns/checkpoints").rglob("*")) == []


def test_an_interrupted_worker_leaves_too(open_sweep: tuple[SweepPlan, Study]) -> None:
    plan, study = open_sweep
    with pytest.raises(KeyboardInterrupt), joining(plan, []) as session:
        _interrupt(session)
    assert workers_of(engine_of(study), "own") == []


def _interrupt(session: WorkerSession) -> None:
    engine_of(session.study).dispose()
    signal.raise_signal(signal.SIGTERM)
    assert session.callbacks.is_interrupted()


def test_a_study_that_is_not_there_has_no_workers(workplace: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"no study 'own' in .*none has been run here yet"),
        worker_session("own", "sqlite:///no.db", [], say=print, on_hang=lambda: None),
    ):
        pass
