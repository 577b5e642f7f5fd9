"""One training run, without knowledge of sweeps or tracking: it calls back at each evaluation."""

from finesweep.training.fit import fit, predict, resolve_precision
from finesweep.training.metrics import majority_accuracy, measure, metric_names, softmax

__all__ = [
    "fit",
    "majority_accuracy",
    "measure",
    "metric_names",
    "predict",
    "resolve_precision",
    "softmax",
]
