"""`finesweep sweep NAME [OVERRIDE…]`: search with workers, then register the winner."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from finesweep.cli import parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import SweepPlan, compose_sweep
from finesweep.errors import FinesweepError
from finesweep.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.sweep.study.study import Study

EXAMPLES = """
examples:
  finesweep sweep demo
  finesweep sweep demo workers=2                               two processes, one study
  finesweep sweep demo sweep.n_trials=20                       ten more trials
  finesweep sweep demo 'training.learning_rate=interval(1e-5, 3e-5)' sweep.study=demo-low
"""
LOGS = Path("mlruns/logs")
STORAGE_URL = "FINESWEEP_STORAGE_URL"


def run(arguments: Sequence[str]) -> int:
    cli = parser("sweep", "NAME [OVERRIDE…] [--cfg job]")
    cli.epilog = EXAMPLES
    cli.add_argument("name", metavar="NAME", help="a sweep of ./sweeps or of the package")
    cli.add_argument(
        "overrides", nargs="*", default=[], metavar="OVERRIDE", help="in Hydra's grammar"
    )
    cli.add_argument("--cfg", choices=["job"], help="print the composed config and stop")
    given = cli.parse_intermixed_args(list(arguments))
    plan = compose_sweep(given.name, given.overrides)
    if given.cfg:
        print(plan.base.yaml(), end="")
        return 0
    silence_libraries()
    return _sweep(plan)


def _sweep(plan: SweepPlan) -> int:
    from finesweep.cli.screens.console import screen
    from finesweep.cli.screens.sweep_report import print_outcome
    from finesweep.cli.startup.remaining import nothing_left
    from finesweep.sweep.status import status_of
    from finesweep.sweep.study.study import open_study, study_exists

    console = screen()
    n_trials = counted(plan.settings.n_trials, "trial")
    console.print(f"sweep {plan.name}: {n_trials} in study {plan.study_name}")
    if not study_exists(plan):
        from finesweep.sweep.data import check_data
        from finesweep.sweep.rehearsal import rehearse
        from finesweep.sweep.study.search_space import check

        data = check(plan)
        rehearse(plan)
        check_data(plan, data)
    study = open_study(plan)
    is_new = not nothing_left(plan, study, partial(console.print, highlight=False, soft_wrap=True))
    if is_new:
        _search(plan, study, console)
    print_outcome(console, study, with_data=not is_new)
    return 0 if status_of(study).best else 1


def _search(plan: SweepPlan, study: Study, console: Console) -> None:
    from finesweep.cli.screens.progress import SweepProgress
    from finesweep.disk import require_space
    from finesweep.sweep.launchers import make_launcher
    from finesweep.sweep.parent_run import parent_of
    from finesweep.sweep.supervisor import supervise

    collector.resume()
    config, minutes = plan.base.config, plan.settings.timeout_minutes
    require_space(config.storage.checkpoints)
    launcher = make_launcher(
        config.launcher,
        command=_command(plan),
        workers=config.workers,
        logs=LOGS / plan.study_name,
        template=[sys.executable, "-m", "finesweep.cli.startup.template"],
    )
    deadline = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    with parent_of(plan, study), SweepProgress(console, study) as board:
        supervise(
            launcher,
            study,
            n_workers=config.workers,
            deadline=deadline,
            look=board.look,
            say=board.say,
        )
        if stopped := board.look().stopped:
            raise FinesweepError(stopped)


def _command(plan: SweepPlan) -> list[str]:
    """A worker's argv; the storage goes by the environment, for it may hold a password."""
    os.environ[STORAGE_URL] = plan.base.config.storage.url
    place = f"storage.url=${{oc.env:{STORAGE_URL}}}"
    return [sys.executable, "-m", "finesweep", "work", plan.study_name, place]
