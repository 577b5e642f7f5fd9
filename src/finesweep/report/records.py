"""Records of a report: one snapshot of a sweep, as the words, tables and pictures take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from finesweep.records import DecisionRule, Direction, Finalist, SplitName
from finesweep.sweep.comparisons import BaselineResult, ModelComparison
from finesweep.sweep.prune_audit import PruneAudit
from finesweep.sweep.status import Row, Status


@dataclass(frozen=True)
class Dimension:
    """One searched field."""

    path: str
    is_log: bool = False
    choices: tuple[Any, ...] = ()
    """Its values, if they are not numbers on a scale."""


@dataclass(frozen=True)
class Curve:
    """One trial, begun or finished, and its evaluations."""

    row: Row
    points: Sequence[tuple[int, float]]
    """(training examples seen, the metric as the pruner saw it), in order."""


@dataclass(frozen=True)
class Importance:
    """Which settings decided the results of one model's trials."""

    model: str
    n_trials: int
    """Number of complete and pruned trials it was computed from."""
    n_best: int
    """Number of them that count as the best."""
    shares: Mapping[str, float]
    """Path → share, which sum to 1, largest first; empty with too few trials."""


@dataclass(frozen=True)
class Evaluated:
    """A run's evaluation of one split, as far as its files are there."""

    split: SplitName
    label_names: Sequence[str]
    confusion: np.ndarray
    """[C, C] int by truth and prediction; for several labels [C, 2, 2]."""
    labels: np.ndarray
    """True labels, [N] or [N, C]."""
    probabilities: np.ndarray
    """[N, C], by the decision rule's temperature if there is one."""
    errors: Sequence[Mapping[str, Any]]
    """Wrong predictions, most confident first, as in errors.json."""
    slices: Sequence[Mapping[str, Any]] = ()
    """slice, rows and accuracy of each; only of the test split."""
    rule: DecisionRule | None = None
    """Only of the test split."""
    words: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Row → the words that speak most for its wrong label; only of some errors on the test
    split."""


@dataclass(frozen=True)
class Leader:
    """The winner, or the best trial so far, as its MLflow run has it."""

    trial: int
    run_id: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    config: str | None
    """The composed config, as YAML."""
    evaluated: Evaluated | None
    data: Mapping[str, Any] | None
    """The data card, as in data.json."""


@dataclass(frozen=True)
class SweepRecord:
    """One sweep at one moment."""

    made_at: datetime
    status: Status
    attributes: Mapping[str, Any]
    """User attributes of the study."""
    leaderboard: Sequence[Row]
    curves: Sequence[Curve]
    """Every trial that has begun, without retried attempts, by number."""
    dimensions: Sequence[Dimension]
    """The searched fields, without the model."""
    importances: Sequence[Importance]
    """One per model, the best model first."""
    seconds_by_model: Mapping[str, Mapping[str, float]]
    """Model → `seconds/part` and `seconds_saved/by`, of all its attempts."""
    wall_seconds: float | None
    """From the first trial's start to the last one's end; None before an end."""
    finalist: Finalist | None
    baseline: BaselineResult | None
    prune_audit: PruneAudit | None
    """None while no audited trial has completed."""
    comparisons: Sequence[ModelComparison]
    omissions: Mapping[str, str]
    """Comparison that failed → reason."""
    data_notes: Sequence[str]
    findings: Sequence[Mapping[str, Any]] | None
    """Findings of the checks on these data, as an exploration logged them; None without one."""
    leader: Leader | None
    """None while no trial is complete, and if its run is gone."""
    train_command: str | None
    """The command that trains the winner, or the best trial so far, again."""
    missing: Sequence[str]
    """What the report lacks and why, one sentence each."""

    @property
    def direction(self) -> Direction:
        return "maximize" if self.is_better_higher else "minimize"

    @property
    def is_better_higher(self) -> bool:
        return self.status.direction == "maximize"

    @property
    def metric(self) -> str:
        return self.status.metric

    @property
    def models(self) -> list[str]:
        """Every model with a trial, the best first."""
        begun = [row.model for row in self.leaderboard] + [each.row.model for each in self.curves]
        return list(dict.fromkeys(model for model in begun if model))

    @property
    def chosen(self) -> int | None:
        """Number of the winner, or of the best trial so far; None while none is complete."""
        if self.finalist is not None:
            return self.finalist.trial
        return None if self.status.best is None else int(self.status.best["trial"])

    @property
    def is_decided(self) -> bool:
        """Whether all trials are finished and the winner is evaluated."""
        return self.status.is_budget_spent and self.finalist is not None
