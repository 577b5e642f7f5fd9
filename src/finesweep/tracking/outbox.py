"""One attempt's journal on disk, which a trial writes whether or not the tracking store is up.

The folder of an outbox:

    header.json      uid, name, tags and start of the run; exists from the beginning
    journal.jsonl    one line per call, with the time of the call; append-only
    files/0001/      an artifact folder that a line of the journal refers to
    closing.json     status, tags and end of the run; nothing is appended after it
    progress.json    written only by deliver, and the last file to be removed
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from finesweep.disk import write_json, written_aside
from finesweep.records import Evaluation, TextDataset
from finesweep.tracking.runs import Status, dataset_fields, initial_tags, now_ms

HEADER = "header.json"
JOURNAL = "journal.jsonl"
FILES = "files"
CLOSING = "closing.json"
UID_TAG = "finesweep.uid"

RetryWrite = Callable[[Callable[[], None]], None]
"""Calls a write, and may retry it when the disk was full: then nothing was written."""


def write_once(write: Callable[[], None]) -> None:
    write()


class Outbox:
    """A RunLog that never waits for the store; deliver replays it into a run."""

    def __init__(self, folder: Path, *, retry_write: RetryWrite = write_once) -> None:
        """An outbox that `open` has created."""
        self.folder, self._retry_write = folder, retry_write
        self._appending = threading.Lock()
        self._n_folders = 0
        self._last_ms = 0

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        uid: str,
        name: str,
        parent_run_id: str | None,
        tags: Mapping[str, Any],
        retry_write: RetryWrite = write_once,
    ) -> Outbox:
        """A new outbox, whose folder appears atomically; OSError when it already exists.

        Provenance is recorded here, since another program may deliver it, from another folder.
        """
        all_tags = initial_tags(parent_run_id, tags) | {UID_TAG: uid}
        header = {"uid": uid, "name": name, "start_time_ms": now_ms(), "tags": all_tags}

        def create() -> None:
            with written_aside(folder) as aside:
                (aside / FILES).mkdir(parents=True)
                (aside / JOURNAL).touch()
                write_json(aside / HEADER, header)

        retry_write(create)
        return cls(folder, retry_write=retry_write)

    def name(self) -> str:
        """The name of its run; empty once it was delivered and removed."""
        try:
            return str(json.loads((self.folder / HEADER).read_text(encoding="utf-8"))["name"])
        except FileNotFoundError:
            return ""

    def log_evaluation(self, evaluation: Evaluation) -> None:
        """Synced to disk, so that it survives a power failure like the checkpoint beside it."""
        self._log_metrics(evaluation.metrics, evaluation.step, None, durable=True)

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: int, time_ms: int | None = None
    ) -> None:
        self._log_metrics(metrics, step, time_ms)

    def log_params(self, params: Mapping[str, Any]) -> None:
        self._append({"params": {name: str(value) for name, value in params.items()}})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self._append({"tags": {name: str(value) for name, value in tags.items()}})

    def log_dataset(self, dataset: TextDataset, *, source: str) -> None:
        self._append({"dataset": dataset_fields(dataset, source)})

    def log_text(self, text: str, name: str) -> None:
        def write(folder: Path) -> None:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")

        self._log_files(write)

    def log_folder(self, folder: Path) -> None:
        """Every file of folder, copied: the caller may remove it at once."""
        self._log_files(lambda target: shutil.copytree(folder, target, dirs_exist_ok=True))

    def close(
        self, status: Status, tags: Mapping[str, Any], end_time_ms: int | None = None
    ) -> None:
        self._retry_write(lambda: close_outbox(self.folder, status, tags, end_time_ms))

    def _log_metrics(
        self,
        metrics: Mapping[str, float],
        step: int,
        time_ms: int | None,
        *,
        durable: bool = False,
    ) -> None:
        values = {name: float(value) for name, value in metrics.items()}
        self._append({"metrics": values, "step": step}, time_ms=time_ms, durable=durable)

    def _log_files(self, write: Callable[[Path], object]) -> None:
        """Adds the files that write(folder) writes into an empty folder."""

        def write_files() -> None:
            target = self._new_folder()
            try:
                write(target)
            except BaseException:
                shutil.rmtree(target, ignore_errors=True)  # a full disk needs its space back
                raise
            names.append(target.name)

        names: list[str] = []
        self._retry_write(write_files)
        self._append({"files": names[0]})

    def _new_folder(self) -> Path:
        """A new folder in files/; fails if the outbox is delivered and removed."""
        with self._appending:
            self._n_folders += 1
            folder = self.folder / FILES / f"{self._n_folders:04d}"
            folder.mkdir()
            return folder

    def _append(
        self, entry: dict[str, Any], *, time_ms: int | None = None, durable: bool = False
    ) -> None:
        with self._appending:
            if (self.folder / CLOSING).exists():
                raise ValueError(f"{self.folder} is closed: its trial has ended")
            # Later than the previous line, even if the clock jumps back: with equal steps MLflow
            # takes the value with the latest time as a metric's latest.
            self._last_ms = max(now_ms(), self._last_ms + 1)
            entry["time_ms"] = self._last_ms if time_ms is None else time_ms
            line = json.dumps(entry)
            self._retry_write(lambda: append_line(self.folder / JOURNAL, line, durable=durable))


def close_outbox(
    folder: Path, status: Status, tags: Mapping[str, Any], end_time_ms: int | None = None
) -> None:
    """Ends an attempt, also one whose process was killed; only the first call has an effect.

    A folder that is gone was closed and delivered by another process.
    """
    if (folder / CLOSING).exists() or not folder.is_dir():
        return
    closing = {
        "status": status,
        "tags": {name: str(value) for name, value in tags.items()},
        "end_time_ms": now_ms() if end_time_ms is None else end_time_ms,
    }
    write_json(folder / CLOSING, closing)


def append_line(path: Path, line: str, *, durable: bool) -> None:
    """Appends line and a line break to path; nothing if the disk is full."""
    raw = line.encode() + b"\n"
    with path.open("r+b", buffering=0) as journal:
        size = journal.seek(0, os.SEEK_END)
        try:
            if journal.write(raw) != len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except BaseException:
            journal.truncate(size)
            raise
        if durable:
            os.fsync(journal.fileno())
