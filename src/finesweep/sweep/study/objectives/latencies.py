"""Latencies in a study: one per architecture, length and machine, compared within one machine.

A latency of one machine says nothing about a latency of another. During the search the first
machine to measure is the one whose latencies are compared; a worker elsewhere takes its latency
where there is one, and measures its own otherwise. Other trials train at that time, which adds to a
latency. So once the search has ended all are settled: measured where it ended, without the sweep's
other workers, and compared on that machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from finesweep.stats.metric_names import LATENCY as LATENCY_METRICS
from finesweep.sweep.study.keys import LATENCY, LATENCY_KEY, LATENCY_MACHINE, OBJECTIVES

Values = Mapping[str, float]
"""Metric → value."""


@dataclass(frozen=True)
class Latencies:
    """Every latency that a study has."""

    machine: str | None
    """The machine whose latencies are compared; None before the first measurement."""
    measured: Mapping[tuple[str, str], Values]
    """(key, machine) → `latency_ms/name` → milliseconds; the key is a trial's LATENCY_KEY."""
    settled: frozenset[tuple[str, str]] = frozenset()
    """Those measured once the search had ended."""

    def of(self, key: str, machine: str | None = None) -> Values | None:
        """The latencies of this key on a machine, by default the one that is compared; None where
        it has none."""
        return self.measured.get((key, machine or self.machine or ""))

    def objectives_of(self, trial: FrozenTrial) -> dict[str, float]:
        """Metric → value of a complete trial's objectives in their order, with the latencies of the
        compared machine where it has them; empty for any other trial."""
        recorded: Values = trial.user_attrs.get(OBJECTIVES, {})
        if trial.state != TrialState.COMPLETE:
            return {}
        known = self.of(trial.user_attrs.get(LATENCY_KEY, "")) or {}
        return {name: known.get(name, value) for name, value in recorded.items()}

    def missing(self, trials: Iterable[FrozenTrial]) -> dict[str, FrozenTrial]:
        """Key → one of the complete trials with it, of those not measured on the compared
        machine."""
        return {key: each for key, each in _by_key(trials).items() if self.of(key) is None}

    def unsettled(
        self, trials: Iterable[FrozenTrial], machine: str | None = None
    ) -> dict[str, FrozenTrial]:
        """Key → one of the complete trials with it, of those not settled on a machine, by default
        the compared one."""
        where = machine or self.machine or ""
        return {k: each for k, each in _by_key(trials).items() if (k, where) not in self.settled}


def latencies_in(attributes: Mapping[str, Any]) -> Latencies:
    """The latencies in a study's user attributes."""
    entries = [value for name, value in attributes.items() if name.startswith(LATENCY)]
    return Latencies(
        machine=attributes.get(LATENCY_MACHINE),
        measured={(each["key"], each["machine"]): each["latencies"] for each in entries},
        settled=frozenset((each["key"], each["machine"]) for each in entries if each["settled"]),
    )


def entry(
    key: str, machine: str, latencies: Values, *, settled: bool = False
) -> tuple[str, dict[str, Any]]:
    """Name and value of the user attribute that records a measurement: one each, because workers
    write at the same time."""
    own = {"key": key, "machine": machine, "latencies": dict(latencies), "settled": settled}
    return f"{LATENCY}{key}@{machine}"[:512], own


def _by_key(trials: Iterable[FrozenTrial]) -> dict[str, FrozenTrial]:
    """Key → one of the complete trials with it, of those that have a latency."""
    return {
        trial.user_attrs[LATENCY_KEY]: trial
        for trial in trials
        if trial.state == TrialState.COMPLETE and has_latency(trial.user_attrs.get(OBJECTIVES, ()))
    }


def has_latency(metrics: Iterable[str]) -> bool:
    """Whether one of these metrics is a latency."""
    return any(name.startswith(LATENCY_METRICS) for name in metrics)
