"""One training run, independent of sweeps and tracking: it calls back at each evaluation."""

from finesweep.stats.metric_names import metric_names
from finesweep.training.activation_cache import Plan as ActivationPlan
from finesweep.training.activation_cache import plan_activations
from finesweep.training.arguments import run_schedule
from finesweep.training.baseline import fit_baseline
from finesweep.training.checkpoint.checkpoint_file import Checkpointing, saved_evaluations
from finesweep.training.fit import fit, predict
from finesweep.training.metrics import (
    compute_metrics,
    confusion,
    majority_accuracy,
)
from finesweep.training.mlm.adapt import adapt
from finesweep.training.mlm.chunks import Chunks, make_chunks
from finesweep.training.mlm.fill_mask import Guess, fill_mask, probe_ids
from finesweep.training.precision import device_name, is_native, resolve_precision
from finesweep.training.schedule import Schedule
from finesweep.training.soundness import why_unsound
from finesweep.training.truncation import InputTemplate, check_template, rows_cut, template_of

__all__ = [
    "ActivationPlan",
    "Checkpointing",
    "Chunks",
    "Guess",
    "InputTemplate",
    "Schedule",
    "adapt",
    "check_template",
    "compute_metrics",
    "confusion",
    "device_name",
    "fill_mask",
    "fit",
    "fit_baseline",
    "is_native",
    "majority_accuracy",
    "make_chunks",
    "metric_names",
    "plan_activations",
    "predict",
    "probe_ids",
    "resolve_precision",
    "rows_cut",
    "run_schedule",
    "saved_evaluations",
    "template_of",
    "why_unsound",
]
