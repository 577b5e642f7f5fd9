"""Progress of a run or a sweep on a terminal and in a notebook, and as lines in a log."""

from finesweep.api.progress.display import progress_console
from finesweep.api.progress.run import bar

__all__ = ["bar", "progress_console"]
