"""The experiment's description in MLflow: a table of its sweeps, with their winners and scores.

It is made anew from the sweeps' parent runs each time, so that it is right whichever sweep writes
last, and after a sweep was deleted.
"""

from __future__ import annotations

from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, ErrorCode
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from finesweep.tracking.names import MAX_EXPERIMENT_TAG_CHARACTERS
from finesweep.tracking.pages.notes import Link, is_signed, markdown_table, signed
from finesweep.tracking.pages.views import BEST, LOSS
from finesweep.tracking.queries import found_runs
from finesweep.tracking.store import TrackingStore
from finesweep.tracking.tags import WINNER_NAME_TAG, WINNER_RUN_TAG
from finesweep.wording import counted

HEADINGS = ("sweep", "winner", "metric", "validation", "test accuracy")
DENIED = ErrorCode.Name(PERMISSION_DENIED)
MAX_WRITES = 10
"""Far more than sweeps that end in the same second."""


def describe_experiment(store: TrackingStore) -> bool:
    """Whether the experiment's description has every sweep with a winner, the newest first.

    One that a user wrote or edited stays, and without permission to write there is none. After
    each write the runs are read again: a sweep that ended meanwhile may have written before, and
    whoever writes last sees all that the others had logged by then.
    """
    for _ in range(MAX_WRITES):
        found = store.client.get_experiment(store.experiment_id).tags.get(MLFLOW_RUN_NOTE, "")
        text = _text(store)
        if found == text:
            return True
        if found and not is_signed(found):
            return False
        try:
            store.client.set_experiment_tag(store.experiment_id, MLFLOW_RUN_NOTE, text)
        except MlflowException as error:
            if error.error_code == DENIED:
                return False
            raise
    return False


def _text(store: TrackingStore) -> str:
    """The description; empty without a sweep that has a winner. Only the newest sweeps fit."""
    runs = found_runs(store, {"finesweep.kind": "sweep"})
    rows = [_row(store, run) for run in runs if run.data.tags.get(WINNER_RUN_TAG)]
    for n_shown in range(len(rows), 0, -1):
        n_left = len(rows) - n_shown
        are = "is" if n_left == 1 else "are"
        rest = f"\n\n{counted(n_left, 'earlier sweep')} {are} not listed." if n_left else ""
        text = signed(f"**Sweeps and their winners**\n\n{_table(rows[:n_shown])}{rest}")
        if len(text) <= MAX_EXPERIMENT_TAG_CHARACTERS:
            return text
    return ""


def _table(rows: list[tuple[Any, ...]]) -> str:
    return markdown_table(HEADINGS, rows)


def _row(store: TrackingStore, parent: Any) -> tuple[Any, ...]:
    tags, metrics = parent.data.tags, parent.data.metrics
    best = [name.removeprefix(BEST) for name in metrics if name.startswith(BEST)]
    metric = best[0] if best else LOSS
    winner = tags.get(WINNER_NAME_TAG) or f"trial {tags.get('finesweep.winner_trial', '')}"
    # Of the winner's own run; an older parent run has only the best trial's.
    value = metrics.get(metric, metrics.get(f"{BEST}{metric}"))
    return (
        Link(tags.get("finesweep.sweep", ""), _page(store, parent.info.run_id)),
        Link(winner, _page(store, tags[WINNER_RUN_TAG])),
        metric,
        _number(value),
        _number(metrics.get("test/accuracy")),
    )


def _page(store: TrackingStore, run_id: str) -> str:
    """A run's page in MLflow's UI, whatever the server's address is."""
    return f"#/experiments/{store.experiment_id}/runs/{run_id}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
