"""What a study says of its end, and whether MLflow still holds it, known without loading a model:
stores are deleted, and so is what lies in them."""

from __future__ import annotations

from collections.abc import Iterator

from finesweep.config import ConfirmConfig, RegisterConfig, SweepPlan
from finesweep.records import Finalist
from finesweep.registry.records import Registered
from finesweep.registry.versions import is_registered
from finesweep.sweep.selection.confirmation import is_confirmed, is_result_of, winner_of
from finesweep.sweep.selection.state import SweepState
from finesweep.sweep.study.keys import PARENT_RUN_ID
from finesweep.tracking import TrackingStore, active_run, has_logged_model


def is_finished_sweep(
    state: SweepState, register: RegisterConfig | None, confirm: ConfirmConfig | None = None
) -> bool:
    """Whether nothing is left to do: slots spent, the best confirmed, the winner evaluated, and
    registered as wanted."""
    if not state.is_budget_spent:
        return False
    winner, finalist = winner_of(state, confirm), state.finalist
    if winner is None:
        return True
    if not is_confirmed(state, confirm) or finalist is None or not is_result_of(finalist, winner):
        return False
    return register is None or registered_as(state, register, finalist.model_uri) is not None


def registered_as(state: SweepState, wanted: RegisterConfig, model_uri: str) -> Registered | None:
    """The version that the study remembers of this model, where it is called as wanted."""
    claim = state.registered
    if claim is None:
        return None
    known = (claim.name, claim.alias, claim.model_uri)
    return claim if known == (wanted.name, wanted.alias, model_uri) else None


def is_in_store(store: TrackingStore, finalist: Finalist) -> bool:
    """Whether the finalist's run and model are in the store."""
    has_run = active_run(store, finalist.run_id) is not None
    return has_run and has_logged_model(store, finalist.model_uri)


def missing_runs(state: SweepState, store: TrackingStore) -> Iterator[str]:
    """In words, the runs that a study names and the store does not hold any more."""
    if active_run(store, state.attributes.get(PARENT_RUN_ID)) is None:
        yield "the sweep's own run"
    if (finalist := state.finalist) is not None and not is_in_store(store, finalist):
        yield "the winner's run or model"


def missing_records(plan: SweepPlan, state: SweepState, store: TrackingStore) -> list[str]:
    """In words, what a settled study says of MLflow and MLflow does not hold any more."""
    missing = list(missing_runs(state, store))
    wanted, finalist = plan.settings.register, state.finalist
    if wanted is not None and finalist is not None:
        claim = registered_as(state, wanted, finalist.model_uri)
        if claim is not None and not is_registered(store.client, claim):
            missing.append(f"{claim.name} version {claim.version}")
    return missing
