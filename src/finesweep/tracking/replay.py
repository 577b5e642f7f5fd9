"""Outboxes into runs: whatever is killed or repeated on the way, it leads to the same run."""

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
"""Of a line that is refused: two trials that log one new dataset at once collide in MLflow."""

OnRun = Callable[[str, str], None]


@dataclass(frozen=True)
class DeliveryOffset:
    """How far an outbox is delivered, into which run."""

    run_id: str
    offset_bytes: int = 0
    """Of the journal's first line that is not delivered."""
    ended: bool = False
    """The run has ended: what is left is to remove the folder."""


def pending(root: Path) -> list[Path]:
    """The outboxes root/<worker>/<attempt> that are not delivered and gone, the oldest first."""
    found = {path.parent for name in (HEADER, PROGRESS) for path in root.glob(f"*/[!.]*/{name}")}
    return sorted(found, key=lambda folder: (_started_ms(folder), folder))


def deliver(
    folder: Path,
    store: TrackingStore,
    *,
    on_run: OnRun = lambda uid, run_id: None,
    on_refused: Callable[[str], None] = lambda line: None,
) -> str:
    """The id of the outbox's run, which now has all that was logged so far.

    on_run hears the uid and run id before the first line is replayed, and again on every call
    that has something to replay. What the store refuses for good is left out and told to
    on_refused. Raises what is_tracking_outage knows when the store is away, and filelock.Timeout
    while another process delivers the same folder. A closed outbox ends its run and is removed;
    FileNotFoundError when that has been done before.
    """
    _must_exist(folder)
    lock = Path(f"{folder}.lock")
    with FileLock(lock, timeout=0):
        _must_exist(folder)  # still: who held the lock may have been at the end
        progress = _offset(folder)
        if progress is None or not progress.ended:
            progress = _Replay(folder, store, on_refused).finish(progress, on_run)
        if progress.ended:
            _remove(folder)
            lock.unlink(missing_ok=True)
    return progress.run_id


def _must_exist(folder: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is delivered and gone")


def is_delivered(folder: Path) -> bool:
    """True when deliver would find nothing to do, as for an outbox that is gone."""
    if not folder.is_dir():
        return True
    progress = _offset(folder)
    if progress is None or progress.ended or (folder / CLOSING).exists():
        return False
    try:
        return next(_lines(folder / JOURNAL, progress.offset_bytes), None) is None
    except FileNotFoundError:  # it is being removed
        return False


@dataclass(frozen=True)
class _Replay:
    folder: Path
    store: TrackingStore
    on_refused: Callable[[str], None]

    def finish(self, progress: DeliveryOffset | None, on_run: OnRun) -> DeliveryOffset:
        """The progress after all that is in the folder now."""
        # Before the journal: a line may come between reading that and looking for this.
        closing = _read(self.folder / CLOSING)
        header = _read(self.folder / HEADER)
        if progress is None:
            progress = self._keep(DeliveryOffset(_find_or_create(header, self.store)))
        on_run(header["uid"], progress.run_id)
        run = Run(self.store, progress.run_id)
        for line, end in _lines(self.folder / JOURNAL, progress.offset_bytes):
            self._try(lambda line=line: self._apply(run, json.loads(line)))  # type: ignore[misc]
            progress = self._keep(replace(progress, offset_bytes=end))
        if closing is not None:
            self._end(run, header["uid"], closing)
            progress = self._keep(replace(progress, ended=True))
        return progress

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
            if not files.is_dir():  # else an OSError, which would be taken for an outage
                raise ValueError(f"{files} is missing")
            run.log_folder(files)

    def _end(self, run: Run, uid: str, closing: dict[str, Any]) -> None:
        self._try(lambda: run.set_tags(closing["tags"]))
        self._try(lambda: run.finish(closing["status"], end_time_ms=closing["end_time_ms"]))
        # A create whose answer came too late was sent again by MLflow, and made a second run.
        for double in find_runs(self.store, {UID_TAG: uid}):
            if double.run_id != run.run_id:
                self.store.client.delete_run(double.run_id)

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

    def _keep(self, progress: DeliveryOffset) -> DeliveryOffset:
        write_json(self.folder / PROGRESS, asdict(progress))
        return progress


def _find_or_create(header: dict[str, Any], store: TrackingStore) -> str:
    """The run with the outbox's uid: a call that was killed may have made it."""
    uid = header["uid"]
    if found := find_runs(store, {UID_TAG: uid}):
        return min(run.run_id for run in found)
    return create_run(
        store, name=header["name"], tags=header["tags"], start_time_ms=header["start_time_ms"]
    ).run_id


def _lines(journal: Path, offset_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Each complete line from there on and where it ends; one without its break was torn."""
    with journal.open("rb") as file:
        file.seek(offset_bytes)
        for line in file:
            if line.endswith(b"\n"):
                offset_bytes += len(line)
                yield line, offset_bytes


def _offset(folder: Path) -> DeliveryOffset | None:
    found = _read(folder / PROGRESS)
    return None if found is None else DeliveryOffset(**found)


def _read(path: Path) -> Any:
    """What write_json wrote; None where there is nothing."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _started_ms(folder: Path) -> int:
    header = _read(folder / HEADER)
    return 0 if header is None else int(header["start_time_ms"])


def _remove(folder: Path) -> None:
    """Removes folder; progress.json goes last, since without it the run would start anew."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != PROGRESS:
            path.unlink()
    (folder / PROGRESS).unlink()
    folder.rmdir()
