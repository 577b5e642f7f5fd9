"""The model registry: winners become versions, and a gate makes champions of them."""

from finesweep.registry.crown import crown
from finesweep.registry.versions import register

__all__ = ["crown", "register"]
