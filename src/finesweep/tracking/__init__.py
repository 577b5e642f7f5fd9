"""The only writer of MLflow runs: what is logged, and under which names."""

from finesweep.tracking.delivery import Delivery
from finesweep.tracking.outbox import Outbox, close_outbox
from finesweep.tracking.queries import (
    STATUS_OF,
    TEST_FINGERPRINT,
    active_run,
    artifact_path,
    count_test_evaluations,
    find_runs,
    has_logged_model,
    reopen,
    run_names,
    runs_called,
)
from finesweep.tracking.replay import deliver, is_delivered, pending_outboxes
from finesweep.tracking.runs import PARENT, Run, RunLog, start_run
from finesweep.tracking.store import TrackingStore, open_store

__all__ = [
    "PARENT",
    "STATUS_OF",
    "TEST_FINGERPRINT",
    "Delivery",
    "Outbox",
    "Run",
    "RunLog",
    "TrackingStore",
    "active_run",
    "artifact_path",
    "close_outbox",
    "count_test_evaluations",
    "deliver",
    "find_runs",
    "has_logged_model",
    "is_delivered",
    "open_store",
    "pending_outboxes",
    "reopen",
    "run_names",
    "runs_called",
    "start_run",
]
