"""Folders of mlruns/cache/: made once, whoever comes first, and given up when the disk is needed.

cache/tokens/DATA-TOKENIZER/   token ids of a dataset, see dataset/tokens.py
cache/activations/…/           hidden states below frozen layers, see training/activation_cache.py
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from finesweep.disk import written_aside

USED = "used"
"""Empty file of an entry, whose time says when a trial last opened it."""


def get_or_build(entry: Path, build: Callable[[Path], None]) -> Path:
    """entry, whose files build(folder) writes when there are none; one process builds."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    if not entry.exists():
        with FileLock(entry.with_name(f"{entry.name}.lock")):
            if not entry.exists():
                with written_aside(entry) as aside:
                    aside.mkdir()
                    build(aside)
    (entry / USED).touch()
    return entry


def evict(root: Path, n_bytes: int, *, budget_bytes: int) -> bool:
    """Whether so much fits into the budget and on the disk, the entries used longest ago removed.

    An entry that a process has open stays readable for it: only its name goes.
    """
    if n_bytes > budget_bytes:
        return False
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".lock"):
        entries = sorted(root.glob(f"*/*/{USED}"), key=lambda used: used.stat().st_mtime)
        sizes = {used.parent: size_bytes(used.parent) for used in entries}
        taken = sum(sizes.values())
        for entry, size in sizes.items():
            if taken + n_bytes <= budget_bytes and shutil.disk_usage(root).free > n_bytes:
                break
            shutil.rmtree(entry, ignore_errors=True)
            taken -= size
        return taken + n_bytes <= budget_bytes and shutil.disk_usage(root).free > n_bytes


def size_bytes(entry: Path) -> int:
    """What its files take on the disk; sparse ones less than their length."""
    return sum(512 * path.stat().st_blocks for path in entry.rglob("*") if path.is_file())
