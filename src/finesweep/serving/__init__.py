"""The page and the endpoint over prediction: for people, and for programs."""

from finesweep.serving.server import serve

__all__ = ["serve"]
