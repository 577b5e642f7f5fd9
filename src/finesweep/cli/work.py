"""`finesweep work NAME`: one more worker for a sweep, from any machine that reaches its storage."""

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
from finesweep.errors import ConfigError, Problem

if TYPE_CHECKING:
    from finesweep.sweep.status import Row
    from finesweep.sweep.worker.phases import Phase

HUNG = 75
"""Exit code of a worker in which nothing moved: a temporary failure, by sysexits.h."""
PLACES = ("storage.", "tracking.")


def run(arguments: Sequence[str]) -> int:
    cli = study_parser("work", "", overrides="storage.… or tracking.…")
    cli.add_argument(
        "--attached", action="store_true", help="leave after the slot when standard input ends"
    )
    given = cli.parse_intermixed_args(list(arguments))
    for override in given.overrides:
        if not override.startswith(PLACES):
            message = "a worker takes all but storage.… and tracking.… from the study"
            raise ConfigError(Problem(override.partition("=")[0], message))
    url = compose(given.overrides).config.storage.url
    silence_libraries()
    # A coordinator has looked before it starts one.
    if not given.attached and _nothing_left(given.name, url, given.overrides):
        print(f"nothing is left to do in sweep {given.name}")
        return 0

    from finesweep.sweep.worker.loop import WorkerLoop
    from finesweep.sweep.worker.session import worker_session

    collector.resume()
    say = _Once()
    joining = worker_session(
        given.name,
        url,
        given.overrides,
        say=say,
        on_hang=_leave_hung,
        is_attached=given.attached,
    )
    with joining as session:
        for phase in session.phases():
            worker = WorkerLoop(
                session.plan,
                phase,
                session.callbacks,
                is_drained=_input_ended if given.attached else lambda: False,
                on_trial=partial(_print_line, phase, session.metric),
            )
            worker.work()
        session.finish()
    return 0


def _nothing_left(name: str, url: str, overrides: Sequence[str]) -> bool:
    from finesweep.sweep.remaining import nothing_left
    from finesweep.sweep.study.study import find_study, plan_of

    study = find_study(name, url)
    return nothing_left(plan_of(study, overrides), study, print)


class _Once:
    """Prints each message once in a row."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, message: str) -> None:
        if message != self.last:
            print(message, flush=True)
        self.last = message


def _input_ended() -> bool:
    """Whether the coordinator at the other end of standard input is gone, or has let go."""
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


def _leave_hung() -> None:
    print("nothing moved for sweep.hang_seconds: this worker gives up", file=sys.stderr, flush=True)
    os._exit(HUNG)


def _print_line(phase: Phase, metric: str, row: Row) -> None:
    from finesweep.api.trial_line import trial_line
    from finesweep.sweep.study.keys import N_TRIALS

    n_slots = max(int(phase.study.user_attrs[N_TRIALS]), row.slot + 1)
    print(trial_line(row, metric=metric, n_slots=n_slots, kind=phase.kind), flush=True)
