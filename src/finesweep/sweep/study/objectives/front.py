"""The Pareto front of a study with several objectives, from its trials and its attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from optuna.trial import FrozenTrial

from finesweep.records import Direction, Objective
from finesweep.stats.metric_names import better_direction
from finesweep.stats.pareto import pareto_front
from finesweep.sweep.study.keys import DEFINITION, LATENCY_KEY
from finesweep.sweep.study.objectives.latencies import Values, has_latency, latencies_in
from finesweep.sweep.study.ranking import complete, ranked


@dataclass(frozen=True)
class Front:
    """The complete trials of a study with several objectives, and which of them no other beats."""

    objectives: tuple[Objective, ...]
    """The one that prunes first."""
    values: Mapping[int, Values]
    """Number of each complete trial → metric → value."""
    members: tuple[int, ...]
    """Numbers of the trials on the front, the best by the first objective first."""
    machine: str | None = None
    """The machine whose latencies are compared; None without a latency among the objectives."""
    foreign: tuple[int, ...] = ()
    """Trials whose latency is still that of another machine."""

    def as_json(self) -> dict[str, Any]:
        """The front as `status --json` has it."""
        return {
            "objectives": [asdict(each) for each in self.objectives],
            "members": [{"trial": n, "values": dict(self.values[n])} for n in self.members],
            "machine": self.machine,
            "foreign": list(self.foreign),
        }

    def __str__(self) -> str:
        """One sentence for people."""
        names = " and ".join(each.metric for each in self.objectives)
        members = f"trials {', '.join(map(str, self.members))}, of {len(self.values)} complete"
        where = f"; latencies of {self.machine}" if self.machine else ""
        others = f", those of trials {', '.join(map(str, self.foreign))} of another machine"
        return f"Pareto front of {names}: {members}{where}{others if self.foreign else ''}"


def several_in(attributes: Mapping[str, Any]) -> tuple[Objective, ...]:
    """The several objectives of a study, from its user attributes; empty if it has one."""
    names = attributes.get(DEFINITION, {}).get("sweep.objectives", ())
    return tuple(Objective(name, better_direction(name)) for name in names)


def front_of(trials: Iterable[FrozenTrial], attributes: Mapping[str, Any]) -> Front | None:
    """The front of a study's trials; None if the study has one objective."""
    if not (objectives := several_in(attributes)):
        return None
    trials, latencies = complete(trials), latencies_in(attributes)
    values = {trial.number: latencies.objectives_of(trial) for trial in trials}
    missing = latencies.missing(trials)
    return Front(
        objectives=objectives,
        values=values,
        members=tuple(pareto_front(values, objectives)),
        machine=latencies.machine if has_latency(each.metric for each in objectives) else None,
        foreign=tuple(t.number for t in trials if t.user_attrs.get(LATENCY_KEY) in missing),
    )


def contenders(
    trials: Sequence[FrozenTrial], attributes: Mapping[str, Any], direction: Direction
) -> list[FrozenTrial]:
    """The complete trials that may win, best first: all, or of several objectives the front."""
    best, front = ranked(trials, direction), front_of(trials, attributes)
    return best if front is None else [trial for trial in best if trial.number in front.members]


def kept(
    trials: Sequence[FrozenTrial],
    attributes: Mapping[str, Any],
    direction: Direction,
    *,
    top_k: int,
) -> list[FrozenTrial]:
    """The complete trials whose weights are kept: the top_k best, and of several objectives those
    that may yet win.

    Latencies may come to be compared on another machine, and a trial that another beats there is
    not beaten here. Trials with the same key have the same latency everywhere, so only those beaten
    by one of their own key never win.
    """
    best, front = ranked(trials, direction), front_of(trials, attributes)
    if front is None:
        return best[:top_k]
    groups: dict[str, dict[int, Values]] = {}
    for trial in best:
        key = trial.user_attrs.get(LATENCY_KEY, "")
        groups.setdefault(key, {})[trial.number] = front.values[trial.number]
    may_win = {
        number for each in groups.values() for number in pareto_front(each, front.objectives)
    }
    chosen = may_win | {trial.number for trial in best[:top_k]}
    return [trial for trial in best if trial.number in chosen]
