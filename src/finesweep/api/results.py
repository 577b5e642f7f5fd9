"""What functions of the Python API answer: frozen records in plain types.

Scores are `split/name` → value, as in MLflow: validation/loss, test/accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finesweep.records import Direction, Finding

if TYPE_CHECKING:
    import pandas as pd

    from finesweep.registry.records import Check


@dataclass(frozen=True)
class TrainingRun:
    """One finished fine-tuning run."""

    run_id: str
    """The MLflow run."""
    scores: Mapping[str, float]
    """`split/name` → value, of the best checkpoint; the test split's where that was evaluated."""
    best_step: int
    """Training examples seen when the best checkpoint was made."""
    stopped_early: bool
    """Whether patience ran out before the last epoch."""
    model_uri: str | None
    """What `load_model` takes; None with evaluate_test=false, for then no model is kept."""


@dataclass(frozen=True)
class BestTrial:
    """The trial with the best value of the search."""

    number: int
    """Of the trial in its Optuna study, from 0."""
    value: float
    """The sweep's metric at the trial's best evaluation."""
    params: Mapping[str, Any]
    """Dotted path → value, of the fields that the sweep searches."""
    run_id: str | None
    """Its MLflow run; None while that is not delivered yet."""


@dataclass(frozen=True)
class Winner:
    """The trial that won, after confirmation where the sweep asks for it, and its model."""

    trial: int
    """Number of the trial in its Optuna study, from 0."""
    run_id: str
    """The MLflow run whose weights these are: the trial's, or that of one of its seeds."""
    model_uri: str
    """What `load_model` takes."""
    scores: Mapping[str, float]
    """`test/name` → value, from the one look at the test split."""
    intervals: Mapping[str, tuple[float, float]] = field(repr=False)
    """`test/name` → low and high of the 95 % interval over resampled rows."""
    name: str | None
    """The registered model; None with sweep.register=null, as are version and alias."""
    version: str | None
    alias: str | None


@dataclass(frozen=True)
class SweepResult:
    """What a sweep has come to."""

    study: str
    """The Optuna study's name."""
    run_id: str | None
    """The sweep's own MLflow run, above those of its trials."""
    metric: str
    """`split/name` that the search goes by."""
    direction: Direction
    counts: Mapping[str, int]
    """complete, pruned, failed, running, waiting → trials; they sum to sweep.n_trials."""
    best: BestTrial | None
    """None when no trial completed: reasons stand in the leaderboard."""
    winner: Winner | None
    """None before the search is spent, as after sweep.timeout_minutes, and without a best trial."""
    leaderboard: pd.DataFrame = field(repr=False, compare=False)
    """A row for each finished trial: complete ones with the best first, then pruned, then failed.

    Columns: trial (int), state (COMPLETE, PRUNED, FAIL), value (float; of a pruned trial the last
    one reported), model, a column for each searched field under its dotted path, seconds (float),
    reason (why it failed; missing of others).
    """


@dataclass(frozen=True)
class Exploration:
    """What is known about a dataset, and where it is kept."""

    page: Path
    """A self-contained HTML page."""
    run_id: str
    """The MLflow run that holds page, pictures and numbers."""
    findings: tuple[Finding, ...]
    """What one should know before training on it, the most severe first."""
    numbers: Mapping[str, Any]
    """explore.json: rows by split and class, lengths, phrases, examples, notes."""
    has_missing: bool
    """Whether a text or a label is missing: training then needs dataset.missing=drop."""


@dataclass(frozen=True)
class Promotion:
    """What the gate between a challenger and the champion has decided."""

    model: str
    """The registered model."""
    version: str
    """The challenger's."""
    champion: str | None
    """The version that it was compared with; None where there was no champion."""
    promoted: bool
    """Whether the challenger is champion now; after a dry run, whether it would be."""
    checks: tuple[Check, ...]
    """Each condition, whether it was met, and what was found."""
    numbers: Mapping[str, float]
    """p, difference and what else the comparison rests on; empty without a champion."""
    rows_needed: int | None
    """Test rows with which it would likely be promoted, where more would decide it."""
