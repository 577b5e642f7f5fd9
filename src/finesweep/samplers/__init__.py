"""Optuna samplers that learn from finished studies; they work in any study."""

from finesweep.samplers.branches import Branch
from finesweep.samplers.transfer import TransferSampler

__all__ = ["Branch", "TransferSampler"]
