"""Latencies in a study: measured once per architecture, length and machine, compared within one.

A latency of one machine says nothing about a latency of another. The first machine to measure is
the one whose latencies are compared. A worker elsewhere takes its latency where there is one, and
measures its own otherwise; once the search has ended, what the machine has not measured is measured
there, or else everything is measured where the sweep ends, and that machine's are compared.
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

    @property
    def machines(self) -> list[str]:
        """Machines with a measurement."""
        return sorted({machine for _, machine in self.measured})

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

    def missing(
        self, trials: Iterable[FrozenTrial], machine: str | None = None
    ) -> dict[str, FrozenTrial]:
        """Key → one of the complete trials with it, for each that the machine has not measured."""
        return {
            key: trial
            for trial in trials
            if trial.state == TrialState.COMPLETE
            and has_latency(trial.user_attrs.get(OBJECTIVES, {}))
            and self.of(key := trial.user_attrs[LATENCY_KEY], machine) is None
        }


def latencies_in(attributes: Mapping[str, Any]) -> Latencies:
    """The latencies in a study's user attributes."""
    entries = [value for name, value in attributes.items() if name.startswith(LATENCY)]
    return Latencies(
        machine=attributes.get(LATENCY_MACHINE),
        measured={(each["key"], each["machine"]): each["latencies"] for each in entries},
    )


def entry(key: str, machine: str, latencies: Values) -> tuple[str, dict[str, Any]]:
    """Name and value of the user attribute that records a measurement: one each, because workers
    write at the same time."""
    own = {"key": key, "machine": machine, "latencies": dict(latencies)}
    return f"{LATENCY}{key}@{machine}"[:512], own


def has_latency(metrics: Iterable[str]) -> bool:
    """Whether one of these metrics is a latency."""
    return any(name.startswith(LATENCY_METRICS) for name in metrics)
