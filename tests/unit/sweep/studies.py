"""Studies in databases of their own, as sweeps have left them."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import optuna
from optuna import Study
from optuna.trial import TrialState, create_trial

from finesweep.records import Direction
from finesweep.sweep.study.keys import ATTEMPT, LAUNCHED, N_TRIALS, SLOT, UID
from finesweep.sweep.study.storage import open_storage


@cache
def empty_database() -> Path:
    """Optuna's tables without a study: copied, because making them takes longer than a test."""
    path = Path(tempfile.mkdtemp()) / "optuna.db"
    open_storage(f"sqlite:///{path}")
    return path


def new_study(
    *,
    name: str = "demo",
    n_trials: int = 2,
    direction: Direction = "minimize",
    **attributes: Any,
) -> Study:
    """A study without trials, as a sweep command opens it."""
    path = Path(tempfile.mkdtemp()) / "optuna.db"
    shutil.copy(empty_database(), path)
    storage = open_storage(f"sqlite:///{path}")
    study = optuna.create_study(study_name=name, storage=storage, direction=direction)
    launched = (datetime.now() - timedelta(hours=1)).isoformat()
    for key, value in {N_TRIALS: n_trials, UID: "uid", LAUNCHED: launched, **attributes}.items():
        study.set_user_attr(key, value)
    return study


def add_trial(
    study: Study,
    state: TrialState = TrialState.COMPLETE,
    value: float | None = None,
    *,
    slot: int | None = None,
    **attributes: Any,
) -> int:
    """Number of a trial that is there from now on, in the slot of its number unless another is
    given."""
    number = len(study.get_trials(deepcopy=False))
    own = {SLOT: number if slot is None else slot, ATTEMPT: 1}
    study.add_trial(create_trial(state=state, value=value, user_attrs=own | attributes))
    return number
