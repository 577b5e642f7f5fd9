"""The values of a trained trial on several objectives, recorded before Optuna is told."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from optuna import Study, Trial

from finesweep.config import SweepPlan
from finesweep.errors import NonFiniteError
from finesweep.model import size_bytes
from finesweep.runs.finetune import Trained
from finesweep.stats.metric_names import COSTS
from finesweep.sweep.selection.latencies import ensure_latency, latency_key
from finesweep.sweep.study.keys import LATENCY_KEY, OBJECTIVES
from finesweep.sweep.study.objectives.latencies import has_latency


def record_objectives(
    plan: SweepPlan, sweep: Study, trial: Trial, trained: Trained
) -> Mapping[str, float]:
    """Metric → value of each objective in their order, at the best checkpoint; also recorded on the
    trial. Latencies are measured at most once per architecture, length and machine, and recorded in
    sweep, the search's study.

    NonFiniteError when the evaluation lacks one, or it is not finite.
    """
    names = [each.metric for each in plan.objectives]
    known = {
        **trained.result.best.metrics,
        "model/bytes": float(size_bytes(trained.setup.model)),
    }
    if has_latency(names):
        config, dataset = trained.setup.composed.config, trained.setup.dataset
        key = latency_key(trained.setup.model, dataset, max_length=config.dataset.max_length)
        trial.set_user_attr(LATENCY_KEY, key)
        known |= ensure_latency(sweep, key, config)
    values = {name: known.get(name, float("nan")) for name in names}
    for name, value in values.items():
        if not isfinite(value):
            raise NonFiniteError(f"{name} is not a number at the best checkpoint")
    trial.set_user_attr(OBJECTIVES, values)
    return values


def costs_in(values: Mapping[str, float]) -> dict[str, float]:
    """The costs among the values, which no evaluation has logged."""
    return {name: value for name, value in values.items() if name in COSTS}
