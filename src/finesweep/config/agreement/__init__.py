"""Checks across fields: settings that must agree with each other, with the data and with MLflow."""

from finesweep.config.agreement.objectives import objectives_of
from finesweep.config.agreement.settings import (
    data_problems,
    is_exhaustive,
    run_problems,
    sweep_problems,
)

__all__ = ["data_problems", "is_exhaustive", "objectives_of", "run_problems", "sweep_problems"]
