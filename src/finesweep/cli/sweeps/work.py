"""`finesweep work NAME`: join a sweep as a worker, from any machine that reaches its storage."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from finesweep.cli import study_parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose
from finesweep.errors import REPLACE, ConfigError, Problem

if TYPE_CHECKING:
    from finesweep.sweep.status import Row
    from finesweep.sweep.worker.phases import Phase

LOCATIONS = ("storage.", "tracking.")


def run(arguments: Sequence[str]) -> int:
    cli = study_parser("work", "[--quiet]", overrides="storage.… or tracking.…")
    cli.add_argument(
        "--attached", action="store_true", help="exit after the current slot once stdin is closed"
    )
    cli.add_argument("--quiet", action="store_true", help="print warnings only")
    args = cli.parse_intermixed_args(list(arguments))
    for override in args.overrides:
        if not override.startswith(LOCATIONS):
            message = "a worker can override only storage.… and tracking.…; the rest is the study's"
            raise ConfigError(Problem(override.partition("=")[0], message))
    url = compose(args.overrides).config.storage.url
    silence_libraries()
    # The coordinator checks this itself before it starts a worker.
    if not args.attached and _is_finished(args.name, url, args.overrides):
        print(f"sweep {args.name} is finished: nothing left to do")
        return 0

    from finesweep.sweep.worker.loop import WorkerLoop
    from finesweep.sweep.worker.session import worker_session

    collector.resume()
    say = _Once()
    joined = worker_session(
        args.name,
        url,
        args.overrides,
        say=say,
        on_hang=_exit_hung,
        is_attached=args.attached,
    )
    with joined as session:
        for phase in session.phases():
            worker = WorkerLoop(
                session.plan,
                phase,
                session.callbacks,
                is_drained=_is_stdin_closed if args.attached else lambda: False,
                on_trial=_ignore if args.quiet else partial(_print_trial, phase, session.metric),
                followers=session.followers,
            )
            worker.work()
        is_finished = session.finish()
    # The report is the coordinator's, while there is one.
    has_coordinator = args.attached and not _is_stdin_closed()
    if is_finished and session.plan.settings.report and not has_coordinator:
        from finesweep.report.making import log_report

        log_report(session.plan, session.study, say)
    return 0


def _is_finished(name: str, url: str, overrides: Sequence[str]) -> bool:
    from finesweep.sweep.remaining import nothing_left
    from finesweep.sweep.study.study import find_study, plan_of

    study = find_study(name, url)
    return nothing_left(plan_of(study, overrides), study, print)


class _Once:
    """Prints a message unless it repeats the previous one."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, message: str) -> None:
        if message != self.last:
            print(message, flush=True)
        self.last = message


def _is_stdin_closed() -> bool:
    """Whether stdin is closed: the coordinator has exited, or has released this worker."""
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


def _exit_hung() -> None:
    print("no progress for sweep.hang_seconds; exiting", file=sys.stderr, flush=True)
    os._exit(REPLACE)


def _ignore(row: Row) -> None:
    """Prints nothing of a finished trial."""


def _print_trial(phase: Phase, metric: str, row: Row) -> None:
    from finesweep.api.progress.trial_line import trial_line
    from finesweep.sweep.study.keys import N_TRIALS

    n_slots = max(int(phase.study.user_attrs[N_TRIALS]), row.slot + 1)
    print(trial_line(row, metric=metric, n_slots=n_slots, kind=phase.kind), flush=True)
