"""The winner of a finished sweep: evaluated on the test split, logged, registered. Once."""

from __future__ import annotations

from dataclasses import asdict

from optuna import Study

from finesweep.config import SweepPlan
from finesweep.registry.records import Registered
from finesweep.registry.versions import is_registered, register
from finesweep.sweep.selection.claims import registered_as
from finesweep.sweep.selection.final_evaluation import evaluate_winner
from finesweep.sweep.selection.state import SweepState
from finesweep.sweep.study.keys import REGISTERED
from finesweep.tracking import TrackingStore


def register_winner(plan: SweepPlan, study: Study, state: SweepState, store: TrackingStore) -> None:
    """Leaves a spent study with its finalist and, where the sweep asks for it, a version.

    Does nothing before the budget is spent, and nothing twice: every step is remembered in the
    study before the next begins, and looked up in MLflow.
    """
    wanted = plan.settings.register
    if not state.is_budget_spent:
        return
    finalist = evaluate_winner(plan, study, state, store)
    if finalist is None or wanted is None:
        return
    claim = registered_as(state, wanted, finalist.model_uri)
    if claim is None or not is_registered(store.client, claim):
        version = register(
            store.client, finalist, name=wanted.name, alias=wanted.alias, sweep=plan.name
        )
        registered = Registered(wanted.name, version, wanted.alias, finalist.model_uri)
        study.set_user_attr(REGISTERED, asdict(registered))
