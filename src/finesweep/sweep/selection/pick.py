"""Which trial of a Pareto front wins: a stated rule, and the reason in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finesweep.config.agreement.objectives import BEST_FIRST_WITHIN, KNEE
from finesweep.records import Objective
from finesweep.stats.pareto import Values, best_within, knee, pareto_front
from finesweep.wording import counted, scored


@dataclass(frozen=True)
class Picked:
    """One trial of a front, and why it is the one."""

    trial: int
    rule: str
    """As in `register.pick`."""
    why: str
    """The reason, for people."""


def pick_of(rule: Any, values: Mapping[int, Values], objectives: Sequence[Objective]) -> Picked:
    """The trial that the rule picks from these candidates' front; rule is a checked
    `register.pick`."""
    front = {number: values[number] for number in pareto_front(values, objectives)}
    first, second = objectives[0].metric, objectives[1].metric
    best = next(iter(front))
    if rule == KNEE:
        trial, n_front = knee(front, objectives), counted(len(front), "trial")
        why = f"trial {trial} is the knee of a front of {n_front}"
        return Picked(trial, KNEE, f"{why}: {_text(values[trial], objectives)}")
    if isinstance(rule, dict):
        distance = rule[BEST_FIRST_WITHIN][first]
        near = best_within(front, objectives, distance)
        trial, n_near = near[0], counted(len(near), "trial")
        why = (
            f"trial {trial} has the best {second} of {n_near} on the front within {distance:g} of"
            f" the best {first}, {values[best][first]:.4f}"
        )
        text = f"{BEST_FIRST_WITHIN} {{{first}: {distance:g}}}"
        return Picked(trial, text, f"{why}: {_text(values[trial], objectives)}")
    why = f"trial {best} has the best {first}: {_text(values[best], objectives)}"
    return Picked(best, str(rule), why)


def _text(values: Values, objectives: Sequence[Objective]) -> str:
    return ", ".join(f"{each.metric} {scored(values[each.metric])}" for each in objectives)
