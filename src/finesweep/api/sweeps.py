"""Runs a sweep from its plan until nothing is left to do, and writes its report."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from finesweep.api.caller import no_library_bars, preserve_caller
from finesweep.api.results import SweepResult
from finesweep.api.text_lists import checked_texts
from finesweep.config import SweepPlan, compose, compose_sweep
from finesweep.databases import STORAGE_URL
from finesweep.errors import FinesweepError

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.sweep.study.study import Study

LOGS = Path("mlruns/logs")
_n_sweeps = count()
JOINING = {
    "local": "starting",
    "ray": "starting, or waiting for resources of the cluster",
    "slurm": "starting, or waiting in the queue",
}
"""Launcher → what its workers do before they join."""
TEMPLATE = "finesweep.cli.startup.template"
"""The module that local workers are forked from."""


@preserve_caller()
def run_sweep(
    name: str,
    overrides: Sequence[str] = (),
    *,
    workers: int | None = None,
    progress: bool = True,
) -> SweepResult:
    """Runs a sweep up to its total budget, or continues it; a finished sweep is only read.

    A sweep by time, with n_trials null, searches for another timeout_minutes each time.

    Workers are separate processes, so a script needs no `if __name__ == "__main__"`. After Ctrl-C,
    or a notebook's stop button, the same call resumes the sweep.

    Args:
        name: A file in ./sweeps, or a packaged sweep, as for `finesweep sweep`.
        overrides: Hydra overrides of the sweep and of its trials.
        workers: Number of worker processes; the config's `workers` by default.
        progress: Prints a line for each trial to standard error or the notebook's cell, and shows
            bars on a terminal and in a notebook with ipywidgets.

    Returns:
        A SweepResult with best trial, winner and leaderboard.

    Raises:
        ConfigError: Before any trial starts, if the sweep, the data or a store is invalid, or if
            the study was created with another definition.
        FinesweepError: If workers keep failing, or the sweep was stopped.

    Example:
        >>> sweep = finesweep.run_sweep("demo", ["sweep.n_trials=4"], workers=2)
        >>> sweep.winner.scores["test/f1"]
    """
    from finesweep.api.progress import progress_console

    own = [] if workers is None else [f"workers={workers}"]
    plan = compose_sweep(name, [*checked_texts(overrides), *own])
    study, _ = complete_sweep(plan, progress_console(progress))

    from finesweep.api.sweep_result import result_of

    return result_of(plan, study)


@preserve_caller()
def write_report(
    name: str, output: str | Path | None = None, overrides: Sequence[str] = ()
) -> Path:
    """Writes the report of a sweep, finished or under way, and returns its path.

    One HTML file that opens without a network: what won and how sure that is, every trial, what
    the settings did, and the winner's errors.

    Args:
        name: The study: the sweep's name, or its sweep.study.
        output: The file to write; NAME.html in the current folder by default. An earlier report is
            replaced, no other file is.
        overrides: Hydra overrides of storage.… and tracking.….

    Returns:
        The path of the file.

    Raises:
        ConfigError: If there is no such study, it is of another version of finesweep, or the file
            cannot be written.

    Example:
        >>> finesweep.write_report("demo")
        PosixPath('demo.html')
    """
    overrides = checked_texts(overrides)
    config = compose(overrides).config

    from finesweep.sweep.study.study import find_study

    study = find_study(name, config.storage.url)

    from finesweep.report.making import report_path, write_report_of

    path = report_path(name, output)
    write_report_of(study, overrides, path)
    return path


def complete_sweep(
    plan: SweepPlan,
    console: Console,
    *,
    warn: Callable[[str], None] | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> tuple[Study, bool]:
    """The plan's study once nothing is left to do, and whether anything was run.

    Progress goes to console, and so do warnings without a function for them; on_ready is called
    before workers start.
    """
    from finesweep.api.console import say
    from finesweep.api.notifications import told_at_the_end
    from finesweep.api.progress.display import stage
    from finesweep.sweep.notes import search_notes
    from finesweep.sweep.remaining import nothing_left
    from finesweep.sweep.study.portfolio import portfolio_note
    from finesweep.sweep.study.study import open_study, study_exists
    from finesweep.sweep.study.teachers import with_teachers

    warn = warn or partial(say, console)
    if is_new := not study_exists(plan):
        from finesweep.sweep.data import check_data
        from finesweep.sweep.rehearsal import rehearse
        from finesweep.sweep.study.search_space import check

        with stage(console, "checking models and data"):
            with no_library_bars():  # while weights are loaded to find out what models can do
                inputs = check(plan)
            rehearse(plan)
            check_data(plan, inputs)
    study = open_study(plan)
    plan = with_teachers(plan, study.user_attrs)
    for note in (*search_notes(plan), portfolio_note(study.user_attrs)) if is_new else ():
        if note:
            say(console, note)
    if nothing_left(plan, study, warn):
        return study, False
    if (n_devices := plan.base.config.launcher.devices_per_trial) > 1:
        say(console, f"each trial trains on {n_devices} devices; no activations are cached")
    on_ready()
    with told_at_the_end(plan, study, warn), worker_command(plan) as command:
        _search(plan, study, command, console, warn)
    return study, True


def _search(
    plan: SweepPlan,
    study: Study,
    command: Sequence[str],
    console: Console,
    warn: Callable[[str], None],
) -> None:
    from finesweep.api.progress.sweep import SweepProgress
    from finesweep.disk import require_space
    from finesweep.sweep.launchers import make_launcher
    from finesweep.sweep.parent_run import parent_of
    from finesweep.sweep.supervisor import supervise
    from finesweep.tracking.environment.system_metrics import missing_package

    config, minutes = plan.base.config, plan.settings.timeout_minutes
    require_space(config.storage.checkpoints)
    if missing := missing_package(config.tracking):
        warn(missing)
    launcher = make_launcher(
        config.launcher,
        command=command,
        workers=config.workers,
        logs=LOGS / plan.study_name,
        template=[sys.executable, "-m", TEMPLATE],
    )
    # The workers of a sweep by time settle its end themselves: they still confirm and register.
    deadline = float("inf")
    if minutes is not None and plan.settings.n_trials is not None:
        deadline = time.monotonic() + 60 * minutes
    progress = SweepProgress(
        console,
        study,
        n_workers=config.workers,
        confirm=plan.confirm,
        joining=JOINING[config.launcher.name],
    )
    with progress:
        with parent_of(plan, study):
            supervise(
                launcher,
                study,
                n_workers=config.workers,
                deadline=deadline,
                refresh=progress.look,
                say=warn,
            )
            if stopped := progress.look().stopped:
                raise FinesweepError(stopped)
        if plan.settings.report:
            progress.begin("making the report")

            from finesweep.report.making import log_report

            log_report(plan, study, warn)


@contextmanager
def worker_command(plan: SweepPlan) -> Iterator[list[str]]:
    """A worker's argv while the sweep runs.

    The storage goes by the environment, for it may hold a password, and by a variable of its own:
    another thread may sweep, or compose, with another storage.
    """
    variable = f"{STORAGE_URL}_{next(_n_sweeps)}"
    os.environ[variable] = plan.base.config.storage.url
    storage = f"storage.url=${{oc.env:{variable}}}"
    try:
        yield [sys.executable, "-m", "finesweep", "work", plan.study_name, storage]
    finally:
        del os.environ[variable]
