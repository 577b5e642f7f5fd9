"""Results of the Python API: frozen records in plain types.

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
    """`split/name` → value at the best checkpoint; with test/… if the test split was evaluated."""
    best_step: int
    """Number of training examples seen at the best checkpoint."""
    stopped_early: bool
    """Whether early stopping ended the run."""
    model_uri: str | None
    """URI for `load_model`; None with evaluate_test=false, which keeps no model."""


@dataclass(frozen=True)
class BestTrial:
    """The trial with the best value of the search."""

    number: int
    """Trial number in the Optuna study, from 0."""
    value: float
    """The sweep's metric at the trial's best evaluation."""
    params: Mapping[str, Any]
    """Dotted path → value of each searched field."""
    run_id: str | None
    """The trial's MLflow run; None until it is delivered."""


@dataclass(frozen=True)
class Winner:
    """The winning trial, after confirmation if the sweep has one, and its model."""

    trial: int
    """Trial number in the Optuna study, from 0."""
    run_id: str
    """The MLflow run of the model: the trial's own, or that of its best seed."""
    model_uri: str
    """URI for `load_model`."""
    scores: Mapping[str, float]
    """`test/name` → value, from the one evaluation on the test split."""
    intervals: Mapping[str, tuple[float, float]] = field(repr=False)
    """`test/name` → (low, high), a 95 % bootstrap interval over rows."""
    name: str | None
    """Name of the registered model; None with sweep.register=null, like version and alias."""
    version: str | None
    alias: str | None


@dataclass(frozen=True)
class SweepResult:
    """The state of a sweep."""

    study: str
    """The Optuna study's name."""
    run_id: str | None
    """The MLflow run of the sweep, the parent of its trials' runs."""
    metric: str
    """The metric that the search optimizes, as `split/name`."""
    direction: Direction
    counts: Mapping[str, int]
    """Number of trials by state: complete, pruned, failed, running, waiting."""
    best: BestTrial | None
    """None if no trial completed; the leaderboard has the reasons."""
    winner: Winner | None
    """None while trials are left, as after sweep.timeout_minutes, and if no trial completed."""
    leaderboard: pd.DataFrame = field(repr=False, compare=False)
    """One row per finished trial: complete trials, best first, then pruned, then failed ones.

    Columns: trial (int), state (COMPLETE, PRUNED, FAIL), value (float; the last reported one if
    pruned), model, one column per searched field named by its dotted path, seconds (float),
    reason (why the trial failed, else missing), and origin (who chose the params: enqueued,
    portfolio or sampler). With several objectives also one column per objective but the first, and
    front (whether no other trial beats it in all of them).
    """


@dataclass(frozen=True)
class Exploration:
    """A report on a dataset, and where it is kept."""

    page: Path
    """A self-contained HTML page."""
    run_id: str
    """The MLflow run with page, pictures and numbers."""
    findings: tuple[Finding, ...]
    """Problems found by the checks, the most severe first."""
    numbers: Mapping[str, Any]
    """explore.json: rows by split and class, lengths, phrases, examples, notes."""
    has_missing: bool
    """Whether a text or a label is missing; training then needs dataset.missing=drop."""


@dataclass(frozen=True)
class Promotion:
    """The decision between a challenger and the champion."""

    model: str
    """The registered model."""
    version: str
    """Version of the challenger."""
    champion: str | None
    """Version of the champion it was compared with; None if there was none."""
    promoted: bool
    """Whether the challenger is now champion; after a dry run, whether it would be."""
    checks: tuple[Check, ...]
    """Each condition, whether it passed, and the figures."""
    numbers: Mapping[str, float]
    """Figures of the comparison, such as p and difference; empty without a champion."""
    rows_needed: int | None
    """Estimated number of test rows for a promotion, if more rows would decide it; else None."""


@dataclass(frozen=True)
class ModelExport:
    """A model in another form, as it was compared with its original."""

    source: str
    """URI or folder of the original."""
    format: str
    """onnx, onnx int8 or safetensors."""
    rows: int
    """Number of rows on which both were compared."""
    difference: float
    """Largest difference of a probability on these rows."""
    changed_labels: int
    """Number of these rows with another predicted label."""
    latency_ms: float
    """Median for one text, with OMP_NUM_THREADS threads."""
    original_latency_ms: float
    """The same of the PyTorch model, measured in turns."""
    size_bytes: int
    """Size of the file of weights."""
    original_size_bytes: int
    scores: Mapping[str, float]
    """`test/name` → value on the original's test rows; empty if it was not logged."""
    original_scores: Mapping[str, float]
    notes: tuple[str, ...]
    """Sentences about what was not done, and why."""
    folder: Path | None
    """The folder that was written; None without output."""
    url: str | None
    """The Hub repository; None without push."""
    run_id: str | None
    """The MLflow run of the export; None if it was not logged."""
    model_uri: str | None
    """URI for `load_model`: of the version, the logged model or the folder; None after a push
    alone."""
    name: str | None
    """Name of the registered model; None if it was not registered, like version."""
    version: str | None
