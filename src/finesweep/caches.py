"""Folders of mlruns/cache/: built once by the first process, evicted when space is needed.

cache/tokens/DATA-TOKENIZER/   token ids of a dataset, see dataset/tokens.py
cache/activations/…/           outputs of frozen layers, see training/activation_cache/
cache/teachers/…/              logits of a teacher for training rows, see runs/teachers/logits.py
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from finesweep.disk import written_aside

USED = "used"
"""Empty file of an entry; its modification time is the last use."""
WAIT_SECONDS = 1.0


def get_or_build(
    entry: Path, build: Callable[[Path], None], *, on_wait: Callable[[], None] = lambda: None
) -> Path:
    """The entry's folder; if it is missing, one process creates it with build(folder).

    on_wait is called every WAIT_SECONDS while another process does, and may raise.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    while True:
        if not entry.exists():
            with _locked(_lock_file(entry), on_wait):
                if not entry.exists():
                    _build(entry, build)
        with suppress(FileNotFoundError):  # another process has evicted it meanwhile
            (entry / USED).touch()
            return entry


def _build(entry: Path, build: Callable[[Path], None]) -> None:
    for left in entry.parent.glob(f".{entry.name}.*.new"):  # of builds that were killed
        shutil.rmtree(left, ignore_errors=True)
    with written_aside(entry) as aside:
        aside.mkdir()
        build(aside)


def _lock_file(entry: Path) -> Path:
    return entry.with_name(f"{entry.name}.lock")


@contextmanager
def _locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=WAIT_SECONDS)
            break
        except Timeout:
            on_wait()
    try:
        yield
    finally:
        lock.release()


def evict(root: Path, n_bytes: int, *, budget_bytes: int) -> bool:
    """Whether n_bytes fit into budget and disk once the least recently used entries are evicted.

    A process that has an evicted entry open can still read it.
    """
    if n_bytes > budget_bytes:
        return False
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".lock"):
        _remove_leftovers(root)
        entries = sorted(root.glob(f"*/*/{USED}"), key=_last_use)
        sizes = {used.parent: size_bytes(used.parent) for used in entries}
        used_bytes = sum(sizes.values())
        for entry, size in sizes.items():
            if used_bytes + n_bytes <= budget_bytes and shutil.disk_usage(root).free > n_bytes:
                break
            discard(entry)
            used_bytes -= size
        return used_bytes + n_bytes <= budget_bytes and shutil.disk_usage(root).free > n_bytes


def discard(entry: Path) -> None:
    """Removes the entry, which no process sees by halves, even after a kill; the next eviction
    removes what a kill leaves."""
    hidden = entry.with_name(f".{entry.name}.{uuid4().hex}.evicted")
    with suppress(OSError):  # it is gone, or belongs to someone else
        entry.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def _remove_leftovers(root: Path) -> None:
    """Removes what killed processes left half removed or half built."""
    for left in root.glob("*/.*.evicted"):
        shutil.rmtree(left, ignore_errors=True)
    for left in root.glob("*/.*.*.new"):
        name, _, _ = left.name[1:].rsplit(".", 2)
        with suppress(OSError), FileLock(_lock_file(left.with_name(name)), timeout=0):
            shutil.rmtree(left, ignore_errors=True)


def _last_use(used: Path) -> float:
    try:
        return used.stat().st_mtime
    except FileNotFoundError:  # discarded meanwhile
        return 0.0


def capacity_bytes(root: Path) -> int:
    """Free space of the disk once every entry of root is evicted."""
    root.mkdir(parents=True, exist_ok=True)
    entries = (used.parent for used in root.glob(f"*/*/{USED}"))
    return shutil.disk_usage(root).free + sum(map(size_bytes, entries))


def size_bytes(entry: Path) -> int:
    """The entry's size on disk, 0 once it is evicted; sparse files count less than their length."""
    try:
        return sum(512 * path.stat().st_blocks for path in entry.rglob("*") if path.is_file())
    except FileNotFoundError:
        return 0
