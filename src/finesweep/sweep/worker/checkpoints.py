"""Checkpoints of a slot: committed atomically, verified before use.

checkpoints/STUDY/slot-0003/attempt-2/step-000480/   checkpoint of a running attempt, to resume from
checkpoints/STUDY/slot-0003/attempt-2/model/         best weights of a finished attempt
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from finesweep.disk import Write, commit, is_committed, wait_for_space
from finesweep.sweep.study.weights import MODEL

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

KEPT_PER_SLOT = 2
"""Checkpoints kept per slot: the newest, and one to fall back on."""


def newest_whole(slot: Path) -> Path | None:
    """The folder of the slot's most advanced checkpoint that verifies, of any attempt; None without
    one."""
    steps = sorted(_committed(slot), key=lambda p: (_number(p), _number(p.parent)))
    return next(filter(is_committed, reversed(steps)), None)


class SlotCheckpoints:
    """One attempt's checkpoints: due every period_seconds, and once when the worker is
    interrupted."""

    def __init__(
        self,
        slot: Path,
        attempt: int,
        *,
        period_seconds: float,
        is_interrupted: Callable[[], bool],
        on_commit: Callable[[int], None],
        on_wait: Callable[[str], None],
    ) -> None:
        self.slot, self.attempt = slot, slot / f"attempt-{attempt}"
        self.period_seconds, self.is_interrupted = period_seconds, is_interrupted
        self.on_commit, self.on_wait = on_commit, on_wait
        self._committed_at, self._is_final = time.monotonic(), False

    def due(self) -> bool:
        if self.is_interrupted() and not self._is_final:
            return True
        return time.monotonic() - self._committed_at >= self.period_seconds

    def commit(self, write: Write, *, step: int) -> None:
        """Commits a checkpoint, waiting while the disk is full; then deletes older ones."""
        folder = self.attempt / f"step-{step:08d}"
        wait_for_space(lambda: commit(folder, write), self.on_wait)
        self._is_final = self.is_interrupted()
        self._committed_at = time.monotonic()
        self.on_commit(step)
        # By attempt first: an attempt that started over, because all checkpoints were torn, keeps
        # its own.
        for old in sorted(_committed(self.slot), key=_age)[:-KEPT_PER_SLOT]:
            shutil.rmtree(old, ignore_errors=True)

    def save_model(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Path:
        """The folder of the finished attempt's weights, as safetensors and JSON."""

        def write(folder: Path) -> None:
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)

        folder = self.attempt / MODEL
        wait_for_space(lambda: commit(folder, write), self.on_wait)
        return folder


def _committed(slot: Path) -> list[Path]:
    # An earlier version left incomplete checkpoints as step-….part.
    return [folder for folder in slot.glob("attempt-*/step-*") if not folder.suffix]


def _age(folder: Path) -> tuple[int, int]:
    return _number(folder.parent), _number(folder)


def _number(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])
