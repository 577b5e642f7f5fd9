"""The config node of a sweep's pruner as it is built: percents, and pruners that are replaced.

Optuna's steps are training examples here. `25%` in their place is a share of a trial's own
schedule, and the pruner compares at equal shares.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from finesweep.config import Fixed, Searched, SweepPlan
from finesweep.errors import Problem
from finesweep.sweep.study.pruning.halving import NEARLY

AT_SHARES = "finesweep.sweep.study.pruning.shares.AtShares"
REPLACED = {
    "SuccessiveHalvingPruner": "finesweep.sweep.study.pruning.halving.SuccessiveHalving",
    "HyperbandPruner": "finesweep.sweep.study.pruning.halving.Hyperband",
}
"""Optuna's pruner → ours by the same rule, which retries and several models do not disturb."""
STEPS = ("n_warmup_steps", "interval_steps", "min_resource", "max_resource")
"""Arguments of Optuna's pruners that are steps."""
FACTORS = {"SuccessiveHalvingPruner": 4, "HyperbandPruner": 3}
"""Optuna's default of reduction_factor."""
N_RESOURCES = {"SuccessiveHalvingPruner": 1, "HyperbandPruner": 2}
"""Resources that must be given, if any is given in training examples."""
RESOURCES = STEPS[2:]
UNKNOWN = (("min_resource", "auto"), ("max_resource", "auto"))
"""Resources that Optuna would take from the first complete trials."""
WILCOXON = "WilcoxonPruner"
LEAST_PERCENT = 10.0
"""Of a schedule, before which a loss tells little: the usual warm-up of the learning rate."""
EPOCHS, EVALUATIONS = "training.epochs", "training.evaluations_per_epoch"
"""Fields that decide when a trial is evaluated for the first time."""


def name_of(node: Mapping[str, Any]) -> str:
    """The class of a node, without its module."""
    return str(node["_target_"]).rpartition(".")[2]


def is_optunas(node: Mapping[str, Any], *names: str) -> bool:
    """Whether the node is Optuna's own class of one of these names."""
    return str(node["_target_"]).startswith("optuna.") and name_of(node) in names


def built_node(plan: SweepPlan) -> dict[str, Any] | None:
    """The node of what prunes; None without a pruner. Only for a node without problems."""
    node = plan.settings.pruner
    return None if node is None else _built(node, plan)


def problems_of(plan: SweepPlan) -> list[Problem]:
    """What is wrong with the pruner's node, before any class is looked up."""
    node = plan.settings.pruner
    return [] if node is None else list(_problems(node, "sweep.pruner"))


def nodes_in(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The node and those that it wraps, outermost first."""
    yield node
    for value in node.values():
        if _is_node(value):
            yield from nodes_in(value)


def first_evaluation_percent(plan: SweepPlan) -> float:
    """The largest percent of any trial's schedule at which it is evaluated for the first time."""
    epochs, evaluations = (min(_values_of(plan, path)) for path in (EPOCHS, EVALUATIONS))
    return 100 / (epochs * evaluations)


def _values_of(plan: SweepPlan, path: str) -> list[int]:
    """The values that a field of training has in trials, or the ends of its range."""
    every: tuple[Searched | Fixed, ...] = (*plan.searched, *plan.conditional)
    items = [item for item in every if item.path == path]
    own = [item.dimension.ends() if isinstance(item, Searched) else (item.value,) for item in items]
    enqueued = [params[path] for params in plan.enqueued if path in params]
    is_always_set = any(item.condition is None for item in items)
    base = [] if is_always_set else [getattr(plan.base.config.training, path.rpartition(".")[2])]
    return [*chain.from_iterable(own), *enqueued, *base]


def _built(node: Mapping[str, Any], plan: SweepPlan) -> dict[str, Any]:
    own = {key: _built(v, plan) if _is_node(v) else v for key, v in node.items()}
    name = name_of(node)
    if is_optunas(node, *REPLACED):
        return {"_target_": REPLACED[name]} | _halving(own, name, plan)
    if not any(map(_is_percent, own.values())):
        return own
    return {"_target_": AT_SHARES, "pruner": _as_numbers(own)}


def _halving(node: dict[str, Any], name: str, plan: SweepPlan) -> dict[str, Any]:
    """Arguments of ours; without a resource, in percent, from a rung that suits the plan."""
    given = {k: v for k, v in node.items() if k != "_target_" and (k, v) not in UNKNOWN}
    examples = [key for key in RESOURCES if _is_number(given.get(key))]
    if len(examples) == N_RESOURCES[name]:
        return {**given, "in_percent": False}
    # One without the other is a problem now, but older studies that have it go on.
    shares = {key: value for key, value in _as_numbers(given).items() if key not in examples}
    factor = shares.get("reduction_factor", FACTORS[name])
    return {"min_resource": _first_rung(plan, factor)} | shares


def _first_rung(plan: SweepPlan, factor: int) -> float:
    """The lowest rung that every trial is evaluated at, of those that end with the whole."""
    least = min(100.0, max(LEAST_PERCENT, first_evaluation_percent(plan)))
    n_reductions = math.floor(math.log(100 / least, factor) + NEARLY)
    return 100 / factor**n_reductions if n_reductions else least


def _problems(node: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if is_optunas(node, WILCOXON):
        message = (
            f"{WILCOXON} compares trials on the same instances, such as folds, but the steps of a "
            "trial are points of one learning curve here; use optuna.pruners.PercentilePruner, or "
            "leave sweep.pruner out"
        )
        yield Problem(path, message)
    steps = {key: node[key] for key in STEPS if key in node}
    bad = {k: text for k, v in steps.items() if (text := _complaint(k, v)) is not None}
    yield from (Problem(f"{path}.{key}", f"{steps[key]!r} given; {bad[key]}") for key in bad)
    if not bad:
        yield from _unit_problems(node, steps, path)
    for key, value in node.items():
        if _is_node(value):
            yield from _problems(value, f"{path}.{key}")


def _complaint(key: str, value: Any) -> str | None:
    if _is_number(value) or (key, value) in UNKNOWN:
        return None
    if not _is_percent(value) or (percent := _percent(value)) is None:
        return "takes training examples, such as 2000, or a share of the schedule, such as 25%"
    low, high = (0, 100) if key == "n_warmup_steps" else (1, 99 if key == "min_resource" else 100)
    return None if low <= percent <= high else f"a share here is from {low}% to {high}%"


def _unit_problems(
    node: Mapping[str, Any], steps: Mapping[str, Any], path: str
) -> Iterator[Problem]:
    percents = [key for key, value in steps.items() if _is_percent(value)]
    examples = [key for key, value in steps.items() if _is_number(value)]
    if percents and examples:
        message = f"is in training examples and {percents[0]} in percent; give both in one unit"
        yield Problem(f"{path}.{examples[0]}", message)
    elif is_optunas(node, *REPLACED) and 0 < len(examples) < N_RESOURCES[name_of(node)]:
        (other,) = set(RESOURCES) - set(examples)
        message = (
            f"is in training examples, and then {other} must be given too; or give min_resource "
            "as a share of each trial's schedule, such as 10%"
        )
        yield Problem(f"{path}.{examples[0]}", message)


def _as_numbers(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _percent(v) if _is_percent(v) else v for key, v in node.items()}


def _is_node(value: Any) -> bool:
    return isinstance(value, Mapping) and "_target_" in value


def _is_percent(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("%")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _percent(value: str) -> float | None:
    """`25%` as 25; None when it is not a number. Whole ones are integers, as Optuna's steps."""
    try:
        number = float(value.removesuffix("%"))
    except ValueError:
        return None
    return int(number) if number.is_integer() else number
