"""Checkpoints of a slot: committed whole or not at all, verified before they are trusted.

checkpoints/STUDY/slot-0003/attempt-2/step-000480/   a running attempt's, to resume from
checkpoints/STUDY/slot-0003/attempt-2/model/         a finished attempt's best weights
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
"""The newest, and one to fall back on."""


def newest_whole(slot: Path) -> Path | None:
    """The committed step of any attempt at the slot that went furthest and verifies."""
    steps = sorted(_committed(slot), key=lambda p: (_number(p), _number(p.parent)))
    return next(filter(is_committed, reversed(steps)), None)


class SlotCheckpoints:
    """One attempt's checkpoints: due when so much time has passed, or when asked for at once."""

    def __init__(
        self,
        slot: Path,
        attempt: int,
        *,
        period_seconds: float,
        wanted_now: Callable[[], bool],
        on_commit: Callable[[int], None],
        on_wait: Callable[[str], None],
    ) -> None:
        self.slot, self.attempt = slot, slot / f"attempt-{attempt}"
        self.period_seconds, self.wanted_now = period_seconds, wanted_now
        self.on_commit, self.on_wait = on_commit, on_wait
        self._since, self._saved_now = time.monotonic(), False

    def due(self) -> bool:
        if self.wanted_now() and not self._saved_now:
            return True
        return time.monotonic() - self._since >= self.period_seconds

    def commit(self, write: Write, *, step: int) -> None:
        """Waits while the disk is full; older checkpoints are dropped only afterwards."""
        folder = self.attempt / f"step-{step:08d}"
        wait_for_space(lambda: commit(folder, write), self.on_wait)
        self._saved_now = self.wanted_now()
        self._since = time.monotonic()
        self.on_commit(step)
        # By attempt first: one that started over, because all others were torn, keeps its own.
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
    # A store made by an earlier version may hold step-….part: a checkpoint that was cut short.
    return [folder for folder in slot.glob("attempt-*/step-*") if not folder.suffix]


def _age(folder: Path) -> tuple[int, int]:
    return _number(folder.parent), _number(folder)


def _number(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])
