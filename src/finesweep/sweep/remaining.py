"""Whether a sweep has anything left to do, known without the seconds that torch takes to load."""

from __future__ import annotations

from collections.abc import Callable

from finesweep.config import SweepPlan
from finesweep.errors import ConfigError
from finesweep.sweep.selection.claims import is_finished_sweep, missing_records
from finesweep.sweep.selection.state import SweepState, read_state
from finesweep.sweep.study.study import Study
from finesweep.tracking import open_store


def nothing_left(plan: SweepPlan, study: Study, say: Callable[[str], None]) -> bool:
    """Whether the study is settled and MLflow holds all that it says; what is lost is told."""
    state = read_state(study)
    is_over = is_finished_sweep(state, plan.settings.register, plan.confirm)
    return is_over and not _is_lost(plan, state, say)


def _is_lost(plan: SweepPlan, state: SweepState, say: Callable[[str], None]) -> bool:
    try:
        gone = missing_records(plan, state, open_store(plan.base.config.tracking))
    except ConfigError as error:
        if all(problem.path != "tracking.uri" for problem in error.problems):
            raise
        say(f"MLflow was not asked: {error}")
        return False
    if gone:
        say(f"MLflow has lost {' and '.join(gone)}: made again from the study and its weights")
    return bool(gone)
