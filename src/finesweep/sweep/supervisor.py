"""The coordinator of a sweep: starts workers, replaces those that die, forwards signals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from optuna import Study

from finesweep.errors import INTERRUPTED, REPLACE, ConfigError, FinesweepError, Problem
from finesweep.sweep.launchers import Launcher, WorkerHandle
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.signals import deferred_signals
from finesweep.sweep.study.keys import COMMITTED, STOP
from finesweep.sweep.study.slots import is_budget_spent
from finesweep.sweep.study.storage import is_storage_outage
from finesweep.wording import counted

POLL_SECONDS = 0.25
REFRESH_SECONDS = 2.0
"""Pause between two reads of the study, which block the workers' writes."""
DONE = 0
MAX_EARLY_DEATHS = 5
"""Number of workers failing in a row after which the sweep fails."""
MAX_SIGNALS = 10
"""Number of times in a row that a signal may end a worker while the sweep does not get on."""
MAX_REPLACED = 2
"""The same for exit code 75: a worker that hangs leaves only after sweep.hang_seconds."""


@dataclass
class SupervisedWorker:
    """One of the sweep's workers, by index, and its current process."""

    index: int
    handle: WorkerHandle | None
    interrupted: bool = False
    drained: bool = False
    n_ends: int = 0
    """How often in a row it was ended, and the sweep had not got on since the last time."""
    progress: object = None
    """The sweep's, when it was last ended."""


def supervise(
    launcher: Launcher,
    study: Study,
    *,
    n_workers: int,
    deadline: float,
    refresh: Callable[[], object],
    say: Callable[[str], None],
) -> None:
    """Returns when all workers have exited: sweep finished or stopped, or the deadline passed.

    deadline is by time.monotonic(). refresh is called every REFRESH_SECONDS. KeyboardInterrupt once
    the workers have released their slots, or were killed by a second signal.
    """
    workers = [SupervisedWorker(index, launcher.start(index)) for index in range(n_workers)]
    errors, is_away, refreshed_at = 0, False, 0.0
    try:
        with deferred_signals() as interruption:
            while any(worker.handle for worker in workers):
                if interruption.requested:
                    _interrupt(workers, say)
                if drained := time.monotonic() > deadline:
                    _drain(workers)
                try:
                    for worker in workers:
                        if _has_ended(worker):
                            leaving = interruption.requested
                            over = drained or leaving or _is_over(study)
                            errors = _next(
                                worker, launcher, study, errors, say, over=over, leaving=leaving
                            )
                    if time.monotonic() > refreshed_at + REFRESH_SECONDS:
                        refresh()
                        refreshed_at = time.monotonic()
                    is_away = False
                except Exception as error:
                    if not is_storage_outage(error):
                        raise
                    if not is_away:
                        say("the storage is unreachable; workers are waiting for it")
                    is_away = True
                time.sleep(POLL_SECONDS)
            interruption.check()
    except BaseException:
        for worker in workers:
            if worker.handle:
                worker.handle.kill()
        raise
    finally:
        launcher.close()


def _has_ended(worker: SupervisedWorker) -> bool:
    return worker.handle is not None and worker.handle.poll() is not None


def _is_over(study: Study) -> bool:
    return bool(study.user_attrs.get(STOP)) or is_budget_spent(study)


def _next(
    worker: SupervisedWorker,
    launcher: Launcher,
    study: Study,
    errors: int,
    say: Callable[[str], None],
    *,
    over: bool,
    leaving: bool,
) -> int:
    """Number of errors in a row; a worker that ended too early is restarted.

    over: no slot is left. leaving: all workers were interrupted, and none is restarted.
    """
    assert worker.handle is not None
    ended, code = worker.handle, worker.handle.poll()
    assert code is not None
    is_expected = code == DONE or (over and code == INTERRUPTED) or (leaving and code < 0)
    # Neither a signal nor REPLACE is a sign that its successor fails too.
    was_ended = not is_expected and (code < 0 or code in (INTERRUPTED, REPLACE))
    if was_ended:
        _count_end(worker, study)  # the worker is let go later: the storage may be away
    worker.handle = None
    if code == ConfigError.exit_code:
        raise ConfigError(Problem(ended.name, ended.last_output()))
    if is_expected:
        return errors
    if over and not was_ended:
        # It failed to evaluate or register the winner; the same command tries that again.
        raise FinesweepError(f"{ended.name} failed: {ended.last_output()}")
    if worker.n_ends >= (MAX_REPLACED if code == REPLACE else MAX_SIGNALS):
        raise FinesweepError(
            f"{ended.name} ended {worker.n_ends} times in a row {_how(code)}, and nothing was done "
            f"in between; the last: {ended.last_output()}"
        )
    errors = 0 if was_ended else errors + 1
    if errors >= MAX_EARLY_DEATHS:
        raise FinesweepError(f"{errors} workers in a row failed; the last: {ended.last_output()}")
    say(f"{ended.name} ended with exit code {code}; restarting it")
    worker.handle, worker.drained = launcher.start(worker.index), False
    return errors


def _how(code: int) -> str:
    if code == REPLACE:
        return f"with exit code {REPLACE}"
    return "by a signal (the system kills a process that needs more memory than there is)"


def _count_end(worker: SupervisedWorker, study: Study) -> None:
    progress = _progress(study)
    worker.n_ends = worker.n_ends + 1 if progress == worker.progress else 1
    worker.progress = progress


def _progress(study: Study) -> object:
    """What changes when any worker gets on: claims, commits and ends of trials, and what the study
    records of its result."""
    state = read_state(study)
    return [
        (each.attributes, [(t.state, t.user_attrs.get(COMMITTED)) for t in each.trials])
        for each in (state, state.confirmation)
        if each is not None
    ]


def _interrupt(workers: list[SupervisedWorker], say: Callable[[str], None]) -> None:
    """Signals each worker once: a second signal would make it exit without a checkpoint."""
    asked = [worker for worker in workers if worker.handle and not worker.interrupted]
    if asked and not any(worker.interrupted for worker in workers):
        told = f"{counted(len(asked), 'worker')} asked to save a checkpoint and leave"
        say(f"interrupted: {told}; Ctrl-C again ends at once")
    for worker in asked:
        assert worker.handle is not None
        worker.handle.interrupt()
        worker.interrupted = True


def _drain(workers: list[SupervisedWorker]) -> None:
    """Drains each worker once, restarted ones too."""
    for worker in workers:
        if worker.handle and not worker.drained:
            worker.handle.drain()
            worker.drained = True
