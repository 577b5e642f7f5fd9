"""The model registry: versions and aliases."""

from finesweep.registry.versions import Registered, register

__all__ = ["Registered", "register"]
