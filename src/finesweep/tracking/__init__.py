"""The only writer of MLflow runs: what is kept of a run, and under which names."""

from finesweep.tracking.artifacts import write_curves, write_split
from finesweep.tracking.models import log_classifier
from finesweep.tracking.runs import PARENT, Run, start_run
from finesweep.tracking.search import STATUS_OF, find_runs, reopen
from finesweep.tracking.store import Store, open_store

__all__ = [
    "PARENT",
    "STATUS_OF",
    "Run",
    "Store",
    "find_runs",
    "log_classifier",
    "open_store",
    "reopen",
    "start_run",
    "write_curves",
    "write_split",
]
