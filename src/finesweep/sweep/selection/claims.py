"""What a study says of its end, and whether MLflow still holds it, known without loading a model:
stores are deleted, and so is what lies in them."""

from __future__ import annotations

from collections.abc import Iterator

from optuna import Study

from finesweep.config import ConfirmConfig, RegisterConfig, SweepPlan
from finesweep.records import Finalist, Registered
from finesweep.registry.versions import is_registered
from finesweep.sweep.selection.confirmation import is_confirmed, is_of, winner_of
from finesweep.sweep.study.keys import PARENT_RUN_ID, REGISTERED
from finesweep.sweep.study.slots import is_spent
from finesweep.sweep.study.study import known_finalist
from finesweep.tracking import Store, active_run, has_logged_model


def is_settled(
    study: Study, register: RegisterConfig | None, confirm: ConfirmConfig | None = None
) -> bool:
    """Whether nothing is left to do: slots spent, the best confirmed, the winner evaluated, and
    registered as wanted."""
    if not is_spent(study):
        return False
    winner, finalist = winner_of(study, confirm), known_finalist(study)
    if winner is None:
        return True
    if not is_confirmed(study, confirm) or finalist is None or not is_of(finalist, winner):
        return False
    return register is None or registered_as(study, register, finalist.model_uri) is not None


def registered_as(study: Study, wanted: RegisterConfig, model_uri: str) -> Registered | None:
    """The version that the study remembers of this model, where it is called as wanted."""
    made = study.user_attrs.get(REGISTERED)
    if made is None:
        return None
    claim = Registered(**made)
    known = (claim.name, claim.alias, claim.model_uri)
    return claim if known == (wanted.name, wanted.alias, model_uri) else None


def stands(store: Store, finalist: Finalist) -> bool:
    """Whether the finalist's run and model are in the store."""
    has_run = active_run(store, finalist.run_id) is not None
    return has_run and has_logged_model(store, finalist.model_uri)


def lost_runs(study: Study, store: Store) -> Iterator[str]:
    """In words, the runs that a study names and the store does not hold any more."""
    if active_run(store, study.user_attrs.get(PARENT_RUN_ID)) is None:
        yield "the sweep's own run"
    if (finalist := known_finalist(study)) is not None and not stands(store, finalist):
        yield "the winner's run or model"


def lost(plan: SweepPlan, study: Study, store: Store) -> list[str]:
    """In words, what a settled study says of MLflow and MLflow does not hold any more."""
    found = list(lost_runs(study, store))
    wanted, finalist = plan.settings.register, known_finalist(study)
    if wanted is not None and finalist is not None:
        claim = registered_as(study, wanted, finalist.model_uri)
        if claim is not None and not is_registered(store.client, claim):
            found.append(f"{claim.name} version {claim.version}")
    return found
