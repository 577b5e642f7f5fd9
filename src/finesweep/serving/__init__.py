"""A web page for people and a JSON API for programs, over prediction."""

from finesweep.serving.server import serve

__all__ = ["serve"]
