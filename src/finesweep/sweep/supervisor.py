"""The coordinator of a sweep: starts workers, replaces those that die, forwards signals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from optuna import Study

from finesweep.errors import ConfigError, FinesweepError, Problem
from finesweep.sweep.launchers import Launcher, Worker
from finesweep.sweep.signals import deferred_signals
from finesweep.sweep.study.keys import STOP
from finesweep.sweep.study.slots import is_spent
from finesweep.sweep.study.storage import is_outage

POLL_SECONDS = 0.25
LOOK_SECONDS = 2.0
"""Between two readings of the study, which keep the workers from writing to it."""
DONE, BAD_CONFIG, INTERRUPTED = 0, 2, 130
MOST_EARLY_DEATHS = 5
"""So many workers in a row that ended with an error before any trial finished: hopeless."""


@dataclass
class Place:
    """One worker's place, and who holds it now."""

    index: int
    worker: Worker | None
    interrupted: bool = False


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

    deadline is of time.monotonic(). look is called every LOOK_SECONDS. KeyboardInterrupt once the
    workers have released their slots, or been killed by a second signal.
    """
    places = [Place(index, launcher.start(index)) for index in range(n_workers)]
    errors, drained, away, looked = 0, False, False, 0.0
    try:
        with deferred_signals() as interruption:
            while any(place.worker for place in places):
                if interruption.requested:
                    _interrupt(places)
                if time.monotonic() > deadline and not drained:
                    drained = _drain(places)
                try:
                    for place in places:
                        if _has_ended(place):
                            done = drained or interruption.requested or _is_over(study)
                            errors = _next(place, launcher, errors, say, over=done)
                    if time.monotonic() > looked + LOOK_SECONDS:
                        look()
                        looked = time.monotonic()
                    away = False
                except Exception as error:
                    if not is_outage(error):
                        raise
                    if not away:
                        say("the storage is away: the workers wait for it")
                    away = True
                time.sleep(POLL_SECONDS)
            interruption.check()
    except BaseException:
        for place in places:
            if place.worker:
                place.worker.kill()
        raise
    finally:
        launcher.close()


def _has_ended(place: Place) -> bool:
    return place.worker is not None and place.worker.poll() is not None


def _is_over(study: Study) -> bool:
    return bool(study.user_attrs.get(STOP)) or is_spent(study)


def _next(
    place: Place, launcher: Launcher, errors: int, say: Callable[[str], None], *, over: bool
) -> int:
    """Puts a new worker in the place of one that ended too early; errors in a row so far."""
    assert place.worker is not None
    code, worker = place.worker.poll(), place.worker
    place.worker = None
    if code == BAD_CONFIG:
        raise ConfigError(Problem(worker.name, worker.last_words()))
    if code == DONE or (over and code == INTERRUPTED):
        return errors
    if over and code is not None and code > 0:
        # It was to evaluate and register the winner; another start may do better, or say why not.
        raise FinesweepError(f"{worker.name} failed: {worker.last_words()}")
    # A negative code is a signal, which says nothing about the worker itself.
    errors = errors + 1 if code is not None and 0 < code != INTERRUPTED else 0
    if errors >= MOST_EARLY_DEATHS:
        raise FinesweepError(f"{errors} workers in a row failed; the last: {worker.last_words()}")
    say(f"{worker.name} ended with exit code {code}; another takes its place")
    place.worker = launcher.start(place.index)
    return errors


def _interrupt(places: list[Place]) -> None:
    """Once for each worker: a second signal would make it leave without a checkpoint."""
    for place in places:
        if place.worker and not place.interrupted:
            place.worker.interrupt()
            place.interrupted = True


def _drain(places: list[Place]) -> bool:
    for place in places:
        if place.worker:
            place.worker.drain()
    return True
