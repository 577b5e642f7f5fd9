"""Combines the seeds of a finished sweep's winner, then evaluates, logs and registers it, once."""

from __future__ import annotations

from dataclasses import asdict

from optuna import Study

from finesweep.config import SweepPlan
from finesweep.registry.records import Registered
from finesweep.registry.versions import is_registered, register
from finesweep.sweep.selection.claims import registered_as
from finesweep.sweep.selection.combining import combine_seeds
from finesweep.sweep.selection.final_evaluation import evaluate_winner
from finesweep.sweep.selection.state import SweepState
from finesweep.sweep.study.keys import REGISTERED
from finesweep.tracking import TrackingStore


def register_winner(plan: SweepPlan, study: Study, state: SweepState, store: TrackingStore) -> None:
    """Combines the winner's seeds as `sweep.confirm` says, evaluates it and, with `sweep.register`,
    registers it as a version.

    Does nothing before the budget is spent. Safe to repeat: every step is recorded in the study
    before the next begins, and checked in MLflow.
    """
    config = plan.settings.register
    if not state.is_budget_spent:
        return
    state = combine_seeds(plan, study, state)
    finalist = evaluate_winner(plan, study, state, store)
    if finalist is None or config is None:
        return
    claim = registered_as(state, config, finalist.model_uri)
    if claim is None or not is_registered(store.client, claim):
        version = register(
            store.client, finalist, name=config.name, alias=config.alias, sweep=plan.name
        )
        registered = Registered(config.name, version, config.alias, finalist.model_uri)
        study.set_user_attr(REGISTERED, asdict(registered))
