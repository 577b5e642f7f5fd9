"""A sweep's result, read from its study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from finesweep.api.results import BestTrial, SweepResult, Winner
from finesweep.config import SweepPlan
from finesweep.records import Finalist
from finesweep.registry.records import Registered
from finesweep.sweep.selection.claims import evaluated_winner
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.status import Row, leaderboard, status_in
from finesweep.sweep.study.study import Study

COLUMNS = ("trial", "state", "value", "model")
"""Columns of the leaderboard before the searched fields."""
LAST_COLUMNS = ("seconds", "reason", "origin")
FRONT = "front"
"""Column with several objectives: whether the trial is on the Pareto front."""


def result_of(plan: SweepPlan, study: Study) -> SweepResult:
    """The sweep's current state; reads the study once."""
    state = read_state(study)
    status = status_in(state, [])
    # A winner chosen under a smaller budget no longer counts.
    winner = evaluated_winner(state, plan.confirm, plan.pick)
    return SweepResult(
        study=status.study,
        run_id=status.parent_run_id,
        metric=status.metric,
        direction=state.direction,
        counts={str(name): count for name, count in status.counts.items()},
        best=None if status.best is None else _best(status.best),
        winner=None if winner is None else winner_from(winner, state.registered),
        leaderboard=leaderboard_table(leaderboard(state.trials, state.direction, state.front)),
    )


def winner_from(finalist: Finalist, registered: Registered | None) -> Winner:
    """The finalist, with its registered version if that is the same model."""
    is_same = registered is not None and registered.model_uri == finalist.model_uri
    version = registered if is_same else None
    return Winner(
        trial=finalist.trial,
        run_id=finalist.run_id,
        model_uri=finalist.model_uri,
        scores=finalist.test_metrics,
        intervals={name: (low, high) for name, (low, high) in finalist.test_intervals.items()},
        name=version.name if version else None,
        version=version.version if version else None,
        alias=version.alias if version else None,
    )


def leaderboard_table(rows: Sequence[Row]) -> pd.DataFrame:
    """One table row per leaderboard row; for the columns see SweepResult.leaderboard."""
    searched = sorted({path for row in rows for path in row.params if path != "model"})
    objectives = next((list(row.objectives)[1:] for row in rows if row.objectives), [])
    scores = [*objectives, FRONT] if objectives else []
    columns = [*COLUMNS, *scores, *searched, *LAST_COLUMNS]
    table = pd.DataFrame([_cells(row) for row in rows], columns=columns)
    return table.astype({"value": float, "seconds": float})


def _cells(row: Row) -> dict[str, Any]:
    scores = {**row.objectives, FRONT: row.is_on_front}
    return {
        **scores,
        **row.params,
        **{name: getattr(row, name) for name in (*COLUMNS, *LAST_COLUMNS)},
    }


def _best(best: Mapping[str, Any]) -> BestTrial:
    return BestTrial(best["trial"], best["value"], best["params"], best["run_id"])
