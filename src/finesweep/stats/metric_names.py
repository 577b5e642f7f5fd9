"""The metrics of a split and the costs of a model, and whether higher or lower is better."""

from __future__ import annotations

from finesweep.records import Direction, SplitName

NAMES = ("loss", "accuracy", "f1", "precision", "recall", "mcc", "brier", "calibration_error")
MULTI_LABEL_METRICS = ("f1_micro", "hamming_loss")
"""Added where a row may have several labels."""
RANKING_METRICS = ("roc_auc", "average_precision")
"""Ranking metrics, one class against the rest; undefined if one side has no rows."""
THRESHOLD_METRICS = ("threshold_f1", "answered_share", "answered_accuracy", "calibrated_error")
"""Metrics of the thresholded predictions; only for finalists, on the test split."""
LOWER_IS_BETTER = frozenset(
    {"loss", "brier", "calibration_error", "calibrated_error", "hamming_loss"}
)

LATENCY = "latency_ms/"
"""Prefix of the latencies, in milliseconds, which are of one machine."""
COSTS = (
    *(f"{LATENCY}{name}" for name in ("one_p50", "one_p95", "batch_p50", "batch_p95")),
    "model/bytes",
)
"""Costs of a model, as a run logs them; lower is better."""


def metric_names(split: SplitName, *, multi_label: bool = False) -> list[str]:
    """`split/name` of each metric; a RANKING_METRIC that is undefined is not logged."""
    names = (*NAMES, *MULTI_LABEL_METRICS) if multi_label else NAMES
    return [f"{split}/{name}" for name in (*names, *RANKING_METRICS)]


def better_direction(metric: str) -> Direction:
    """The direction in which the metric, with or without its split, or the cost improves."""
    is_lower_better = metric in COSTS or metric.rpartition("/")[2] in LOWER_IS_BETTER
    return "minimize" if is_lower_better else "maximize"
