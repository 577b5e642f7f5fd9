"""Finds the best fine-tuned text classifier for a dataset and puts it in the model registry.

The Python API, whose parts are imported on first access: docs/api.md.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as in typing, whose import takes longer than this module's
if TYPE_CHECKING:
    from finesweep.api.configs import compose
    from finesweep.api.exploration import explore
    from finesweep.api.exporting.export import export_model
    from finesweep.api.models import load_model
    from finesweep.api.promotion import promote
    from finesweep.api.results import (
        BestTrial,
        Exploration,
        ModelExport,
        Promotion,
        SweepResult,
        TrainingRun,
        Winner,
    )
    from finesweep.api.review.comparison import compare
    from finesweep.api.review.planning import plan
    from finesweep.api.review.reproduction import reproduce
    from finesweep.api.runs import train
    from finesweep.api.sweeps import run_sweep, write_report
    from finesweep.config import Config
    from finesweep.errors import ConfigError, FinesweepError
    from finesweep.prediction import Classifier
    from finesweep.records import Prediction
    from finesweep.report.comparison import Comparison
    from finesweep.report.plan.records import Plan
    from finesweep.runs.reproduction import Reproduction

    __version__: str

__all__ = [
    "BestTrial",
    "Classifier",
    "Comparison",
    "Config",
    "ConfigError",
    "Exploration",
    "FinesweepError",
    "ModelExport",
    "Plan",
    "Prediction",
    "Promotion",
    "Reproduction",
    "SweepResult",
    "TrainingRun",
    "Winner",
    "compare",
    "compose",
    "explore",
    "export_model",
    "load_model",
    "plan",
    "promote",
    "reproduce",
    "run_sweep",
    "train",
    "write_report",
]
MODULES = {
    "api.configs": ["compose"],
    "api.exploration": ["explore"],
    "api.exporting.export": ["export_model"],
    "api.models": ["load_model"],
    "api.promotion": ["promote"],
    "api.results": [
        "BestTrial",
        "Exploration",
        "ModelExport",
        "Promotion",
        "SweepResult",
        "TrainingRun",
        "Winner",
    ],
    "api.review.planning": ["plan"],
    "api.review.comparison": ["compare"],
    "api.review.reproduction": ["reproduce"],
    "api.runs": ["train"],
    "api.sweeps": ["run_sweep", "write_report"],
    "config": ["Config"],
    "errors": ["ConfigError", "FinesweepError"],
    "prediction": ["Classifier"],
    "records": ["Prediction"],
    "report.plan.records": ["Plan"],
    "report.comparison": ["Comparison"],
    "runs.reproduction": ["Reproduction"],
}
"""Module → names that the API exports from it."""


if not TYPE_CHECKING:  # else every name would be there for mypy, and of any type

    def __getattr__(name: str) -> object:
        """The lazily imported name (PEP 562)."""
        if name == "__version__":
            from importlib.metadata import version

            return version("finesweep")
        for module, names in MODULES.items():
            if name in names:
                return getattr(import_module(f"finesweep.{module}"), name)
        raise AttributeError(f"module 'finesweep' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
