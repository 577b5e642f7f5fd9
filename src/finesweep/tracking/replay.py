"""Delivering outboxes into runs, idempotent under kills and retries."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from finesweep.disk import write_json
from finesweep.tracking.outages import is_tracking_outage, one_line
from finesweep.tracking.outbox import CLOSING, FILES, HEADER, JOURNAL, UID_TAG
from finesweep.tracking.queries import find_runs
from finesweep.tracking.runs import Run, create_run
from finesweep.tracking.store import TrackingStore

PROGRESS = "progress.json"
N_TRIES = 2
"""Attempts for a refused line: two trials that log the same new dataset collide in MLflow."""

OnRun = Callable[[str, str], None]


@dataclass(frozen=True)
class DeliveryOffset:
    """How much of an outbox is delivered, and into which run."""

    run_id: str
    offset_bytes: int = 0
    """Offset in bytes of the journal's first undelivered line."""
    ended: bool = False
    """Whether the run has ended, so that only the folder must be removed."""


def pending_outboxes(root: Path) -> list[Path]:
    """The outboxes root/<worker>/<attempt> that still exist, the oldest first."""
    folders = {path.parent for name in (HEADER, PROGRESS) for path in root.glob(f"*/[!.]*/{name}")}
    return sorted(folders, key=lambda folder: (_started_ms(folder), folder))


def deliver(
    folder: Path,
    store: TrackingStore,
    *,
    on_run: OnRun = lambda uid, run_id: None,
    on_refused: Callable[[str], None] = lambda line: None,
) -> str:
    """The id of the outbox's run, which then has all that was logged so far.

    on_run gets the uid and run id before the first line is replayed, and again in every call with
    something to replay. Entries that the store refuses permanently are left out and passed to
    on_refused. Raises an error that is_tracking_outage accepts when the store is away, and
    filelock.Timeout while another process delivers the same folder. A closed outbox ends its run
    and is removed; FileNotFoundError when it was removed before.
    """
    _must_exist(folder)
    lock = Path(f"{folder}.lock")
    with FileLock(lock, timeout=0):
        _must_exist(folder)  # again: the previous holder of the lock may have removed it
        offset = _offset(folder)
        if offset is None or not offset.ended:
            offset = _Replay(folder, store, on_refused).finish(offset, on_run)
        if offset.ended:
            _remove(folder)
            lock.unlink(missing_ok=True)
    return offset.run_id


def _must_exist(folder: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is delivered and removed")


def is_delivered(folder: Path) -> bool:
    """Whether deliver would have nothing to do; True for an outbox that is gone."""
    if not folder.is_dir():
        return True
    offset = _offset(folder)
    if offset is None or offset.ended or (folder / CLOSING).exists():
        return False
    try:
        return next(_lines(folder / JOURNAL, offset.offset_bytes), None) is None
    except FileNotFoundError:  # it is being removed
        return False


@dataclass(frozen=True)
class _Replay:
    folder: Path
    store: TrackingStore
    on_refused: Callable[[str], None]

    def finish(self, offset: DeliveryOffset | None, on_run: OnRun) -> DeliveryOffset:
        """The offset after delivering all that is in the folder now."""
        # Before the journal: lines may be added before the outbox is closed.
        closing = _read(self.folder / CLOSING)
        header = _read(self.folder / HEADER)
        if offset is None:
            offset = self._save(DeliveryOffset(_find_or_create(header, self.store)))
        on_run(header["uid"], offset.run_id)
        run = Run(self.store, offset.run_id)
        for line, end in _lines(self.folder / JOURNAL, offset.offset_bytes):
            self._try(lambda line=line: self._apply(run, json.loads(line)))  # type: ignore[misc]
            offset = self._save(replace(offset, offset_bytes=end))
        if closing is not None:
            self._end(run, header["uid"], closing)
            offset = self._save(replace(offset, ended=True))
        return offset

    def _apply(self, run: Run, entry: dict[str, Any]) -> None:
        if "metrics" in entry:
            run.log_metrics(entry["metrics"], step=entry["step"], time_ms=entry["time_ms"])
        elif "params" in entry:
            run.log_params(entry["params"])
        elif "tags" in entry:
            run.set_tags(entry["tags"])
        elif "dataset" in entry:
            run.log_input(entry["dataset"])
        else:
            files = self.folder / FILES / entry["files"]
            if not files.is_dir():  # else an OSError, which would count as an outage
                raise ValueError(f"{files} is missing")
            run.log_folder(files)

    def _end(self, run: Run, uid: str, closing: dict[str, Any]) -> None:
        self._try(lambda: run.set_tags(closing["tags"]))
        self._try(lambda: run.finish(closing["status"], end_time_ms=closing["end_time_ms"]))
        # MLflow resends a create whose response came too late, which creates a second run.
        for duplicate in find_runs(self.store, {UID_TAG: uid}):
            if duplicate.run_id != run.run_id:
                self.store.client.delete_run(duplicate.run_id)

    def _try(self, call: Callable[[], None]) -> None:
        for n_left in reversed(range(N_TRIES)):
            try:
                call()
                return
            except Exception as error:
                if is_tracking_outage(error):
                    raise
                if n_left == 0:
                    reason = one_line(error)
                    self.on_refused(f"left out of {self.folder.name}'s run: {reason}")

    def _save(self, offset: DeliveryOffset) -> DeliveryOffset:
        write_json(self.folder / PROGRESS, asdict(offset))
        return offset


def _find_or_create(header: dict[str, Any], store: TrackingStore) -> str:
    """The run with the outbox's uid; a call that was killed may have created it."""
    uid = header["uid"]
    if runs := find_runs(store, {UID_TAG: uid}):
        return min(run.run_id for run in runs)
    return create_run(
        store, name=header["name"], tags=header["tags"], start_time_ms=header["start_time_ms"]
    ).run_id


def _lines(journal: Path, offset_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Each line from the offset on, and its end, up to the first without a line break."""
    with journal.open("rb") as file:
        file.seek(offset_bytes)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset_bytes += len(line)
            yield line, offset_bytes


def _offset(folder: Path) -> DeliveryOffset | None:
    fields = _read(folder / PROGRESS)
    return None if fields is None else DeliveryOffset(**fields)


def _read(path: Path) -> Any:
    """The value in a file by write_json; None if there is no file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _started_ms(folder: Path) -> int:
    header = _read(folder / HEADER)
    return 0 if header is None else int(header["start_time_ms"])


def _remove(folder: Path) -> None:
    """Removes folder; progress.json last, since without it the run would be created again."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != PROGRESS:
            path.unlink()
    (folder / PROGRESS).unlink()
    folder.rmdir()
