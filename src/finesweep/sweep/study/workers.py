"""The live workers of a sweep."""

from __future__ import annotations

from optuna import Study

from finesweep.sweep.study.keys import CONFIRMATION, LEASE_SECONDS
from finesweep.sweep.study.leases import WorkerRow, is_live, workers_of
from finesweep.sweep.study.optuna_private import engine_of


def live_workers(study: Study) -> list[WorkerRow]:
    """Workers with a valid lease, in the search or its confirmation."""
    lease_seconds = float(study.user_attrs.get(LEASE_SECONDS, 120.0))
    names = [study.study_name, study.user_attrs.get(CONFIRMATION)]
    rows = [row for name in names if name for row in workers_of(engine_of(study), name)]
    return [row for row in rows if is_live(row, lease_seconds=lease_seconds)]
