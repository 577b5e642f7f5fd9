"""A worker's thread that delivers its outboxes, so that trials never wait for MLflow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from filelock import Timeout

from finesweep.config import TrackingConfig
from finesweep.tracking.outages import is_tracking_outage, one_line
from finesweep.tracking.replay import OnRun, deliver, is_delivered
from finesweep.tracking.store import TrackingStore, open_store

POLL_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 30.0
STOP_SECONDS = 5.0
"""Limit for the current call; the rest stays on disk."""

Task = Callable[[], bool]
"""Does the work due now; True when it need not be called again."""


class Delivery:
    """A daemon thread with its own store, opened when there is something to deliver.

    While the store is away it retries after 1 s, then 2 s, up to every 30 s. on_outage gets a line
    for each outage, and for each entry that the store refuses permanently; on_run gets the uid and
    run id of each outbox. Both are called in the thread.
    """

    def __init__(
        self,
        config: TrackingConfig,
        *,
        on_run: OnRun = lambda uid, run_id: None,
        on_outage: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._config, self._on_run, self._on_outage = config, on_run, on_outage
        self._store: TrackingStore | None = None
        self._tasks: dict[Path | str, Task] = {}
        self._reported: set[str] = set()
        self._pause_seconds = 0.0
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._changing = threading.Lock()
        self._thread = threading.Thread(target=self._loop, name="delivery", daemon=True)
        self._thread.start()

    def add(self, folder: Path) -> None:
        """Delivers the outbox as it grows, until it is closed and removed."""
        with self._changing:
            self._tasks.setdefault(folder, partial(self._deliver, folder))

    def call(self, job: Callable[[TrackingStore], object], *, key: str) -> None:
        """Calls job until it succeeds, unless a newer job with this key replaces it."""
        with self._changing:
            self._tasks[key] = partial(self._call, job)

    def wait(self, timeout_seconds: float) -> bool:
        """True as soon as all that was logged or called so far is delivered; False on timeout."""
        self._wake.set()  # the next retry may be half a minute away
        end = time.monotonic() + timeout_seconds
        while not self._is_done():
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        return True

    def stop(self) -> None:
        """Ends the thread; undelivered outboxes stay in their folders."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(STOP_SECONDS)

    def _is_done(self) -> bool:
        with self._changing:
            keys = list(self._tasks)
        return all(isinstance(key, Path) and is_delivered(key) for key in keys)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            if self._round():
                self._pause_seconds = 0.0
                self._reported.discard("outage")
            else:
                doubled = max(FIRST_PAUSE_SECONDS, 2 * self._pause_seconds)
                self._pause_seconds = min(doubled, MAX_PAUSE_SECONDS)
            self._wake.wait(self._pause_seconds or POLL_SECONDS)
            self._wake.clear()

    def _round(self) -> bool:
        """Runs every task once; False, and no more tasks, when one finds the store away."""
        with self._changing:
            tasks = dict(self._tasks)
        for key, task in tasks.items():
            if self._stopping.is_set():
                return True
            try:
                done = task()
            except Exception as error:
                if is_tracking_outage(error):
                    self._move_last(key, task)
                    self._handle_outage(error)
                    return False
                # A bug, or an outbox whose run the store refuses: its folder is kept.
                self._report(f"{key} is not tracked: {one_line(error)}")
                done = True
            if done:
                self._drop(key, task)
        return True

    def _deliver(self, folder: Path) -> bool:
        try:
            if not is_delivered(folder):
                deliver(
                    folder, self._open_store(), on_run=self._report_run, on_refused=self._report
                )
        except Timeout:  # another process is delivering it
            return False
        except FileNotFoundError:  # another process has removed it
            if folder.exists():
                raise
        return not folder.exists()

    def _call(self, job: Callable[[TrackingStore], object]) -> bool:
        job(self._open_store())
        return True

    def _report_run(self, uid: str, run_id: str) -> None:
        """Calls on_run; its database may be away too, and then the outbox waits."""
        try:
            self._on_run(uid, run_id)
        except Exception as error:
            if is_tracking_outage(error):
                raise
            self._report(f"run {run_id}: {one_line(error)}")

    def _open_store(self) -> TrackingStore:
        if self._store is None:
            self._store = open_store(self._config)
        return self._store

    def _handle_outage(self, error: Exception) -> None:
        self._store = None
        self._report(f"tracking is away: {one_line(error)}", about="outage")

    def _report(self, line: str, *, about: str | None = None) -> None:
        about = about or line
        if about not in self._reported:
            self._reported.add(about)
            with suppress(Exception):  # an error in showing a line must not end the delivery
                self._on_outage(line)

    def _move_last(self, key: Path | str, task: Task) -> None:
        """Moves the task to the end, so that one that always fails does not delay the others."""
        with self._changing:
            if self._tasks.get(key) is task:
                self._tasks[key] = self._tasks.pop(key)

    def _drop(self, key: Path | str, task: Task) -> None:
        with self._changing:
            if self._tasks.get(key) is task:
                del self._tasks[key]
