"""One training run, without knowledge of sweeps or tracking: it calls back at each evaluation."""

from finesweep.training.arguments import resolve_precision
from finesweep.training.fit import fit, predict
from finesweep.training.metrics import majority_accuracy, measure, metric_names, softmax
from finesweep.training.prefix import Plan as PrefixPlan
from finesweep.training.prefix import make_prefix
from finesweep.training.state import Checkpointing, saved_evaluations

__all__ = [
    "Checkpointing",
    "PrefixPlan",
    "fit",
    "majority_accuracy",
    "make_prefix",
    "measure",
    "metric_names",
    "predict",
    "resolve_precision",
    "saved_evaluations",
    "softmax",
]
