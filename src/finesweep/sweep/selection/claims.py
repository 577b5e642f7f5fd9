"""What a study records about its result, and whether MLflow still has it, without loading a model.

Users delete tracking stores, experiments, runs and versions; a finished sweep notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from finesweep.config import ConfirmConfig, RegisterConfig, SweepPlan
from finesweep.records import Finalist
from finesweep.registry.records import Registered
from finesweep.registry.versions import is_registered
from finesweep.sweep.selection.confirmation import (
    Winner,
    is_combined,
    is_confirmed,
    is_result_of,
    is_up_to_date,
    up_to_date,
    winner_of,
)
from finesweep.sweep.selection.state import SweepState
from finesweep.sweep.study.keys import PARENT_RUN_ID
from finesweep.tracking import TrackingStore, active_run, has_logged_model


def is_finished_sweep(
    state: SweepState,
    register: RegisterConfig | None,
    confirm: ConfirmConfig | None = None,
    pick: Any = RegisterConfig.pick,
) -> bool:
    """Whether nothing is left to do: every slot finished, the best confirmed, the winner's seeds
    combined and the winner registered where configured, and the winner evaluated.

    pick is the rule that picks the winner of several objectives.
    """
    if not state.is_budget_spent:
        return False
    winner, finalist = winner_of(state, confirm, pick), state.finalist
    if winner is None:
        return True
    if finalist is None or not _is_evaluated(state, confirm, winner, finalist):
        return False
    if not is_up_to_date(finalist, winner):
        return False
    return register is None or registered_as(state, register, finalist.model_uri) is not None


def evaluated_winner(
    state: SweepState, confirm: ConfirmConfig | None, pick: Any = RegisterConfig.pick
) -> Finalist | None:
    """The winner as evaluated, with its confirmation as the studies are now; None while slots are
    searched, confirmed or combined, and until it is evaluated."""
    winner, finalist = winner_of(state, confirm, pick), state.finalist
    if winner is None or finalist is None or not state.is_budget_spent:
        return None
    return up_to_date(finalist, winner) if _is_evaluated(state, confirm, winner, finalist) else None


def _is_evaluated(
    state: SweepState, confirm: ConfirmConfig | None, winner: Winner, finalist: Finalist
) -> bool:
    """Whether the finalist is this winner, confirmed and combined as configured."""
    is_settled = is_confirmed(state, confirm) and is_result_of(finalist, winner)
    return is_settled and is_combined(state, confirm, winner)


def is_finished(plan: SweepPlan, state: SweepState) -> bool:
    """is_finished_sweep by the plan's own settings."""
    return is_finished_sweep(state, plan.settings.register, plan.confirm, plan.pick)


def registered_as(state: SweepState, config: RegisterConfig, model_uri: str) -> Registered | None:
    """The recorded version of this model; None when its name or alias is not the configured one."""
    claim = state.registered
    if claim is None:
        return None
    recorded = (claim.name, claim.alias, claim.model_uri)
    return claim if recorded == (config.name, config.alias, model_uri) else None


def is_in_store(store: TrackingStore, finalist: Finalist) -> bool:
    """Whether the finalist's run and model are in the store."""
    has_run = active_run(store, finalist.run_id) is not None
    return has_run and has_logged_model(store, finalist.model_uri)


def missing_runs(state: SweepState, store: TrackingStore) -> Iterator[str]:
    """Description of each run that the study names and the store no longer has."""
    if active_run(store, state.attributes.get(PARENT_RUN_ID)) is None:
        yield "the sweep's own run"
    if (finalist := state.finalist) is not None and not is_in_store(store, finalist):
        yield "the winner's run or model"


def missing_records(plan: SweepPlan, state: SweepState, store: TrackingStore) -> list[str]:
    """Description of everything that a finished study records and MLflow no longer has."""
    missing = list(missing_runs(state, store))
    config, finalist = plan.settings.register, state.finalist
    if config is not None and finalist is not None:
        claim = registered_as(state, config, finalist.model_uri)
        if claim is not None and not is_registered(store.client, claim):
            missing.append(f"{claim.name} version {claim.version}")
    return missing
