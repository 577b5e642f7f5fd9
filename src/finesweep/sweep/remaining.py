"""Whether a sweep has anything left to do, without the seconds of loading torch."""

from __future__ import annotations

from collections.abc import Callable

from finesweep.config import SweepPlan
from finesweep.errors import ConfigError
from finesweep.sweep.selection.claims import is_finished, missing_records
from finesweep.sweep.selection.state import SweepState, read_state
from finesweep.sweep.study.study import Study
from finesweep.tracking import open_store


def nothing_left(plan: SweepPlan, study: Study, say: Callable[[str], None]) -> bool:
    """Whether the sweep is finished and MLflow has everything it recorded; says what is missing."""
    state = read_state(study)
    return is_finished(plan, state) and not _has_lost_records(plan, state, say)


def _has_lost_records(plan: SweepPlan, state: SweepState, say: Callable[[str], None]) -> bool:
    try:
        missing = missing_records(plan, state, open_store(plan.base.config.tracking))
    except ConfigError as error:
        if all(problem.path != "tracking.uri" for problem in error.problems):
            raise
        say(f"MLflow was not checked: {error}")
        return False
    if missing:
        say(
            f"missing in MLflow: {' and '.join(missing)}; rebuilding from the study and its weights"
        )
    return bool(missing)
