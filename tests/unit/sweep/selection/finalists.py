"""A winner that was evaluated before, with its run and its model in the store."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from optuna import Study

from finesweep.config import ConfirmConfig, RegisterConfig, SweepPlan
from finesweep.records import Finalist
from finesweep.sweep.study.keys import FINALIST
from finesweep.tracking import TrackingStore, start_run


def plan_that(
    demo: SweepPlan,
    register: RegisterConfig | None = None,
    confirm: ConfirmConfig | None = None,
) -> SweepPlan:
    """The packaged sweep, which trusts the search's own best and registers it like this."""
    return replace(demo, settings=replace(demo.settings, confirm=confirm, register=register))


def evaluated(store: TrackingStore, study: Study, trial: int, **fields: Any) -> Finalist:
    """What the study then says of this trial, whose LoggedModel holds no weights."""
    run = start_run(store, name="winner")
    model = store.client.create_logged_model(
        store.experiment_id, name="model", source_run_id=run.run_id
    )
    finalist = Finalist(
        trial=trial,
        run_id=run.run_id,
        model_uri=f"models:/{model.model_id}",
        test_metrics={"test/accuracy": 0.75},
        majority_accuracy=0.5,
        test_rows=48,
        max_length=16,
        **fields,
    )
    study.set_user_attr(FINALIST, asdict(finalist))
    return finalist
