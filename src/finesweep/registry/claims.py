"""What a settled sweep says that MLflow holds, looked up without loading a model."""

from __future__ import annotations

from finesweep.config import SweepPlan
from finesweep.registry.versions import is_registered
from finesweep.sweep.claims import lost_runs
from finesweep.sweep.status import registered_as
from finesweep.sweep.study import Study, known_finalist
from finesweep.tracking import Store


def lost(plan: SweepPlan, study: Study, store: Store) -> list[str]:
    """In words, what a settled study says of MLflow and MLflow does not hold any more."""
    found = list(lost_runs(study, store))
    wanted, finalist = plan.settings.register, known_finalist(study)
    if wanted is not None and finalist is not None:
        claim = registered_as(study, wanted, finalist.model_uri)
        if claim is not None and not is_registered(store.client, claim):
            found.append(f"{claim.name} version {claim.version}")
    return found
