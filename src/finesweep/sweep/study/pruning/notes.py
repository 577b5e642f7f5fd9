"""Sentences on how a sweep's pruner compares, where its name and arguments do not say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from finesweep.config import SweepPlan, build
from finesweep.sweep.study.pruning.halving import WHOLE, Hyperband, SuccessiveHalving, rungs_between
from finesweep.sweep.study.pruning.node import (
    REPLACED,
    built_node,
    first_evaluation_percent,
    nodes_in,
)
from finesweep.wording import counted

BEST = {2: "half", 3: "third", 4: "quarter", 5: "fifth"}
FEW_EXAMPLES = 100
"""Examples of a warm-up below which evaluations or epochs may have been meant."""


def pruner_notes(plan: SweepPlan) -> list[str]:
    """One sentence each, for people; empty where nothing needs saying."""
    if plan.settings.pruner is None or (built := built_node(plan)) is None:
        return []
    halvings = [build(node) for node in nodes_in(built) if node["_target_"] in REPLACED.values()]
    notes = [
        *(note for pruner in halvings for note in _of_halving(pruner, plan)),
        *(note for node in nodes_in(plan.settings.pruner) for note in _of_warmup(node)),
    ]
    return [f"pruner: {note}" for note in notes]


def _of_halving(pruner: SuccessiveHalving | Hyperband, plan: SweepPlan) -> Iterator[str]:
    if isinstance(pruner, Hyperband):
        total, eager = sum(b.weight for b in pruner.brackets), pruner.brackets[0].halving
        parts = [f"{100 * b.weight / total:.0f} % {_rungs(b.halving)}" for b in pruner.brackets]
        groups, of = counted(len(parts), "bracket"), "model and bracket"
        yield f"trials are in {groups} by their slots: {', '.join(parts)}; {_rule(eager, of)}"
    else:
        eager = pruner
        yield f"trials {_rungs(eager)}; {_rule(eager, 'model')}"
    first = first_evaluation_percent(plan)
    if eager.in_percent and eager.first_rung < first - eager.slack:
        yield (
            f"the shortest trials are evaluated first at {first:.0f} % of their schedule, after "
            f"the rung at {eager.first_rung:.0f} %; raise training.evaluations_per_epoch"
        )


def _rule(halving: SuccessiveHalving, of: str) -> str:
    best = BEST.get(halving.reduction_factor, f"1/{halving.reduction_factor}")
    return f"the best {best} of each {of} goes on"


def _rungs(halving: SuccessiveHalving) -> str:
    """Where its trials are compared."""
    if not halving.in_percent:
        steps = [halving.first_rung * halving.reduction_factor**k for k in range(2)]
        return f"are compared at {steps[0]:,.0f}, {steps[1]:,.0f}, … training examples"
    rungs = rungs_between(halving.first_rung, WHOLE - halving.slack, halving.reduction_factor)
    if not rungs:
        return "run to their end"
    *others, last = (f"{rung:.0f}" for rung in rungs)
    percents = f"{', '.join(others)} and {last}" if others else last
    return f"are compared at {percents} % of their schedule"


def _of_warmup(node: Mapping[str, Any]) -> Iterator[str]:
    steps = node.get("n_warmup_steps")
    if isinstance(steps, int) and 0 < steps < FEW_EXAMPLES:
        yield (
            f"n_warmup_steps: {steps} means {counted(steps, 'training example')}; write 25% for a "
            "share of each trial's schedule"
        )
