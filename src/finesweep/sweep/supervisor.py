"""The coordinator of a sweep: starts workers, replaces those that die, forwards signals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from optuna import Study

from finesweep.errors import INTERRUPTED, ConfigError, FinesweepError, Problem
from finesweep.sweep.launchers import Launcher, WorkerHandle
from finesweep.sweep.signals import deferred_signals
from finesweep.sweep.study.keys import STOP
from finesweep.sweep.study.slots import is_budget_spent
from finesweep.sweep.study.storage import is_storage_outage

POLL_SECONDS = 0.25
REFRESH_SECONDS = 2.0
"""Between two readings of the study, which keep the workers from writing to it."""
DONE = 0
MAX_EARLY_DEATHS = 5
"""So many workers in a row that ended with an error before any trial finished: hopeless."""


@dataclass
class SupervisedWorker:
    """One of the sweep's workers, by index, and the process that runs it now."""

    index: int
    handle: WorkerHandle | None
    interrupted: bool = False
    drained: bool = False


def supervise(
    launcher: Launcher,
    study: Study,
    *,
    n_workers: int,
    deadline: float,
    look: Callable[[], object],
    say: Callable[[str], None],
) -> None:
    """Returns when all workers have left: nothing to do, stopped, or the deadline has passed.

    deadline is of time.monotonic(). look is called every REFRESH_SECONDS. KeyboardInterrupt once
    the workers have released their slots, or were killed by a second signal.
    """
    workers = [SupervisedWorker(index, launcher.start(index)) for index in range(n_workers)]
    errors, away, looked = 0, False, 0.0
    try:
        with deferred_signals() as interruption:
            while any(worker.handle for worker in workers):
                if interruption.requested:
                    _interrupt(workers)
                if drained := time.monotonic() > deadline:
                    _drain(workers)
                try:
                    for worker in workers:
                        if _has_ended(worker):
                            leaving = interruption.requested
                            over = drained or leaving or _is_over(study)
                            errors = _next(
                                worker, launcher, errors, say, over=over, leaving=leaving
                            )
                    if time.monotonic() > looked + REFRESH_SECONDS:
                        look()
                        looked = time.monotonic()
                    away = False
                except Exception as error:
                    if not is_storage_outage(error):
                        raise
                    if not away:
                        say("the storage is away: the workers wait for it")
                    away = True
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
    errors: int,
    say: Callable[[str], None],
    *,
    over: bool,
    leaving: bool,
) -> int:
    """Errors in a row so far; a worker that ended too early has a new process by then.

    over: nothing is left to try. leaving: all were interrupted, and none is started any more.
    """
    assert worker.handle is not None
    ended, code = worker.handle, worker.handle.poll()
    worker.handle = None
    if code == ConfigError.exit_code:
        raise ConfigError(Problem(ended.name, ended.last_output()))
    assert code is not None
    if code == DONE or (over and code == INTERRUPTED) or (leaving and code < 0):
        return errors
    if over and code > 0:
        # It was to evaluate and register the winner; another start may do better, or say why not.
        raise FinesweepError(f"{ended.name} failed: {ended.last_output()}")
    # A negative code is a signal, which says nothing about the worker itself.
    errors = errors + 1 if 0 < code != INTERRUPTED else 0
    if errors >= MAX_EARLY_DEATHS:
        raise FinesweepError(f"{errors} workers in a row failed; the last: {ended.last_output()}")
    say(f"{ended.name} ended with exit code {code}; another takes its place")
    worker.handle, worker.drained = launcher.start(worker.index), False
    return errors


def _interrupt(workers: list[SupervisedWorker]) -> None:
    """Once for each worker: a second signal would make it leave without a checkpoint."""
    for worker in workers:
        if worker.handle and not worker.interrupted:
            worker.handle.interrupt()
            worker.interrupted = True


def _drain(workers: list[SupervisedWorker]) -> None:
    """Once for each worker, one that came in the place of a killed one too."""
    for worker in workers:
        if worker.handle and not worker.drained:
            worker.handle.drain()
            worker.drained = True
