"""One attempt's journal on disk: a trial writes here, whether the tracking store is there or not.

The folder of an outbox:

    header.json      uid, name, tags and start of the run; there from the folder's first moment on
    journal.jsonl    one line for each call, with the time of the call; only ever appended to
    files/0001/      what a line of the journal refers to as an artifact folder
    closing.json     status, tags and end of the run; after it nothing more is appended
    progress.json    written by deliver alone, and the last file to be removed
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
from finesweep.tracking.runs import Status, dataset_fields, first_tags, now_ms

HEADER = "header.json"
JOURNAL = "journal.jsonl"
FILES = "files"
CLOSING = "closing.json"
UID_TAG = "finesweep.uid"

Writing = Callable[[Callable[[], None]], None]
"""Calls what it is given; again, if it likes, when the disk was full: then nothing was written."""


def at_once(write: Callable[[], None]) -> None:
    write()


class Outbox:
    """A RunLog that never waits for the store; deliver replays it into a run."""

    def __init__(self, folder: Path, *, writing: Writing = at_once) -> None:
        """The outbox that open has made there."""
        self.folder, self._writing = folder, writing
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
        writing: Writing = at_once,
    ) -> Outbox:
        """A new outbox, its folder complete or absent; OSError when there is one already.

        Provenance is fixed here: another program may deliver it, from another folder.
        """
        all_tags = first_tags(parent_run_id, tags) | {UID_TAG: uid}
        header = {"uid": uid, "name": name, "start_time_ms": now_ms(), "tags": all_tags}

        def make() -> None:
            with written_aside(folder) as aside:
                (aside / FILES).mkdir(parents=True)
                (aside / JOURNAL).touch()
                write_json(aside / HEADER, header)

        writing(make)
        return cls(folder, writing=writing)

    def log_evaluation(self, evaluation: Evaluation) -> None:
        """Survives a power cut, as the checkpoint beside it does."""
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
        self._writing(lambda: close_outbox(self.folder, status, tags, end_time_ms))

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
        """What write(folder) writes into the empty folder that it is given."""

        def stored() -> None:
            target = self._new_folder()
            try:
                write(target)
            except BaseException:
                shutil.rmtree(target, ignore_errors=True)  # a full disk needs its space back
                raise
            names.append(target.name)

        names: list[str] = []
        self._writing(stored)
        self._append({"files": names[0]})

    def _new_folder(self) -> Path:
        """An empty folder of files/, which is not made anew: a delivered outbox is gone."""
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
            # Later than the line before, whatever the clock does: MLflow's latest value of a
            # metric is the one of the latest time, where the steps are equal.
            self._last_ms = max(now_ms(), self._last_ms + 1)
            entry["time_ms"] = self._last_ms if time_ms is None else time_ms
            line = json.dumps(entry)
            self._writing(lambda: append_line(self.folder / JOURNAL, line, durable=durable))


def close_outbox(
    folder: Path, status: Status, tags: Mapping[str, Any], end_time_ms: int | None = None
) -> None:
    """Ends an attempt, one whose process was killed too; the first to end it is right.

    An outbox that is gone was ended and delivered by another process.
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
    """Appends line and a line break to path, all of it or, where the disk is full, nothing."""
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
