"""Folders of mlruns/cache/: built once by the first process, evicted when space is needed.

cache/tokens/DATA-TOKENIZER/   token ids of a dataset, see dataset/tokens.py
cache/activations/…/           outputs of frozen layers, see training/activation_cache/
cache/teachers/…/              logits of a teacher for training rows, see runs/teachers/logits.py
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
    if not entry.exists():
        with _locked(entry.with_name(f"{entry.name}.lock"), on_wait):
            if not entry.exists():
                with written_aside(entry) as aside:
                    aside.mkdir()
                    build(aside)
    (entry / USED).touch()
    return entry


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
        entries = sorted(root.glob(f"*/*/{USED}"), key=lambda used: used.stat().st_mtime)
        sizes = {used.parent: size_bytes(used.parent) for used in entries}
        used_bytes = sum(sizes.values())
        for entry, size in sizes.items():
            if used_bytes + n_bytes <= budget_bytes and shutil.disk_usage(root).free > n_bytes:
                break
            shutil.rmtree(entry, ignore_errors=True)
            used_bytes -= size
        return used_bytes + n_bytes <= budget_bytes and shutil.disk_usage(root).free > n_bytes


def capacity_bytes(root: Path) -> int:
    """Free space of the disk once every entry of root is evicted."""
    root.mkdir(parents=True, exist_ok=True)
    entries = (used.parent for used in root.glob(f"*/*/{USED}"))
    return shutil.disk_usage(root).free + sum(map(size_bytes, entries))


def size_bytes(entry: Path) -> int:
    """The entry's size on disk; sparse files count less than their length."""
    return sum(512 * path.stat().st_blocks for path in entry.rglob("*") if path.is_file())
