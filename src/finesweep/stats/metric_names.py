"""Which metrics are measured on a split, and which way each is better."""

from __future__ import annotations

from finesweep.records import Direction, SplitName

NAMES = ("loss", "accuracy", "f1", "precision", "recall", "mcc", "brier", "calibration_error")
MULTI_LABEL_METRICS = ("f1_micro", "hamming_loss")
"""Where a row may have several labels."""
RANKING_METRICS = ("roc_auc", "average_precision")
"""Of probabilities, one class against the rest; undefined where a side has no rows."""
THRESHOLD_METRICS = ("threshold_f1", "answered_share", "answered_accuracy", "calibrated_error")
"""Of finalists alone, on the test split: how they answer by their thresholds."""
LOWER_IS_BETTER = frozenset(
    {"loss", "brier", "calibration_error", "calibrated_error", "hamming_loss"}
)


def metric_names(split: SplitName, *, multi_label: bool = False) -> list[str]:
    """`split/name` of all that is measured; RANKINGS are left out where they are undefined."""
    names = (*NAMES, *MULTI_LABEL_METRICS) if multi_label else NAMES
    return [f"{split}/{name}" for name in (*names, *RANKING_METRICS)]


def better_direction(metric: str) -> Direction:
    """Which way the metric of this name, with or without its split, is better."""
    return "minimize" if metric.rpartition("/")[2] in LOWER_IS_BETTER else "maximize"
