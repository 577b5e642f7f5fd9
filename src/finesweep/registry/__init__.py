"""The model registry: the winner of a sweep becomes a version with an alias."""

from finesweep.registry.crown import crown
from finesweep.registry.versions import register

__all__ = ["crown", "register"]
