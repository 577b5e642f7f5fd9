"""A sweep, from its plan to a study in which nothing is left to do."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from finesweep.api.caller import caller_kept, without_bars
from finesweep.api.results import SweepResult
from finesweep.config import SweepPlan, compose_sweep
from finesweep.errors import FinesweepError

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.sweep.study.study import Study

LOGS = Path("mlruns/logs")
STORAGE_URL = "FINESWEEP_STORAGE_URL"
TEMPLATE = "finesweep.cli.startup.template"
"""The module that local workers are forked from."""


@caller_kept()
def run_sweep(
    name: str,
    overrides: Sequence[str] = (),
    *,
    workers: int | None = None,
    progress: bool = True,
) -> SweepResult:
    """Runs a sweep up to its total budget, or continues it; one that is done is only read.

    Workers are processes of their own, so a script needs no `if __name__ == "__main__"`. Ctrl-C, or
    a notebook's stop, gives their slots back; the same call goes on.

    Args:
        name: A sweep of ./sweeps or of the package, as behind `finesweep sweep`.
        overrides: Hydra overrides, of the sweep and of its trials.
        workers: Processes at work at once; the config's `workers` unless given.
        progress: Shows bars on a terminal and in a notebook that has ipywidgets, and a line for
            each trial everywhere, on standard error or in the notebook's cell.

    Returns:
        A SweepResult: best trial, winner and leaderboard.

    Raises:
        ConfigError: Sweep, data or stores are wrong, or the study was made with another definition;
            before any trial begins.
        FinesweepError: Workers kept failing, or the sweep was stopped.

    Example:
        >>> sweep = finesweep.run_sweep("demo", ["sweep.n_trials=4"], workers=2)
        >>> sweep.winner.scores["test/f1"]
    """
    from finesweep.api.progress import notes_on

    own = [] if workers is None else [f"workers={workers}"]
    plan = compose_sweep(name, [*overrides, *own])
    study, _ = completed(plan, notes_on(progress))

    from finesweep.api.sweep_result import result_of

    return result_of(plan, study)


def completed(
    plan: SweepPlan, console: Console, *, on_ready: Callable[[], None] = lambda: None
) -> tuple[Study, bool]:
    """The plan's study with nothing left to do, and whether there was something; shown on console.

    on_ready is called before workers are started.
    """
    from finesweep.sweep.remaining import nothing_left
    from finesweep.sweep.study.study import open_study, study_exists

    if not study_exists(plan):
        from finesweep.sweep.data import check_data
        from finesweep.sweep.rehearsal import rehearse
        from finesweep.sweep.study.search_space import check

        with without_bars():  # of the weights that are loaded to see what models can do
            data = check(plan)
        rehearse(plan)
        check_data(plan, data)
    study = open_study(plan)
    if nothing_left(plan, study, partial(console.print, highlight=False, soft_wrap=True)):
        return study, False
    on_ready()
    _search(plan, study, console)
    return study, True


def _search(plan: SweepPlan, study: Study, console: Console) -> None:
    from finesweep.api.sweep_progress import SweepProgress
    from finesweep.disk import require_space
    from finesweep.sweep.launchers import make_launcher
    from finesweep.sweep.parent_run import parent_of
    from finesweep.sweep.supervisor import supervise

    config, minutes = plan.base.config, plan.settings.timeout_minutes
    require_space(config.storage.checkpoints)
    launcher = make_launcher(
        config.launcher,
        command=_command(plan),
        workers=config.workers,
        logs=LOGS / plan.study_name,
        template=[sys.executable, "-m", TEMPLATE],
    )
    deadline = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    with parent_of(plan, study), SweepProgress(console, study) as board:
        supervise(
            launcher,
            study,
            n_workers=config.workers,
            deadline=deadline,
            refresh=board.look,
            say=board.say,
        )
        if stopped := board.look().stopped:
            raise FinesweepError(stopped)


def _command(plan: SweepPlan) -> list[str]:
    """A worker's argv; the storage goes by the environment, for it may hold a password."""
    os.environ[STORAGE_URL] = plan.base.config.storage.url
    place = f"storage.url=${{oc.env:{STORAGE_URL}}}"
    return [sys.executable, "-m", "finesweep", "work", plan.study_name, place]
