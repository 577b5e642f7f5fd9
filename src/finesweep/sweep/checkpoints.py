"""Checkpoints of a slot: committed whole or not at all, verified before they are trusted.

checkpoints/STUDY/slot-0003/attempt-2/step-000480/   a running attempt's, to resume from
checkpoints/STUDY/slot-0003/attempt-2/model/         a finished attempt's best weights
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.disk import PART, Write, commit, is_whole, wait_for_space
from finesweep.sweep.attributes import CHECKPOINT

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MODEL = "model"
KEPT_PER_SLOT = 2
"""The newest, and one to fall back on."""


def slot_folder(root: str, study: str, slot: int) -> Path:
    return Path(root) / study / f"slot-{slot:04d}"


def newest_whole(slot: Path) -> Path | None:
    """The committed step of any attempt at the slot that went furthest and verifies."""
    steps = sorted(slot.glob("attempt-*/step-*"), key=lambda p: (_number(p), _number(p.parent)))
    whole = (p for p in reversed(steps) if p.suffix != PART and is_whole(p))
    return next(whole, None)


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
        committed = [p for p in self.slot.glob("attempt-*/step-*") if p.suffix != PART]
        # By attempt first: one that started over, because all others were torn, keeps its own.
        for old in sorted(committed, key=_age)[:-KEPT_PER_SLOT]:
            shutil.rmtree(old, ignore_errors=True)

    def save_model(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Path:
        """The folder of the finished attempt's weights, as safetensors and JSON."""

        def write(folder: Path) -> None:
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)

        folder = self.attempt / MODEL
        wait_for_space(lambda: commit(folder, write), self.on_wait)
        return folder


def drop_slot(slot: Path, *, but: Path | None = None) -> None:
    """Removes all of a finished slot's folders but that of its result."""
    for folder in slot.glob("attempt-*/*"):
        if but is None or folder.resolve() != but.resolve():
            shutil.rmtree(folder, ignore_errors=True)
    for folder in [*slot.glob("attempt-*"), slot]:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def keep_weights(study: Study, wanted: Iterable[FrozenTrial], *, root: str) -> None:
    """Removes the weights of every complete trial that is not among the wanted ones."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    kept = {_tail(trial.user_attrs[CHECKPOINT]) for trial in wanted}
    # A study of thousands has few weights: what is there is looked up among the trials.
    there = (Path(root) / study.study_name).glob(f"slot-*/attempt-*/{MODEL}")
    beaten = {tail: folder for folder in there if (tail := _tail(str(folder))) not in kept}
    for trial in reversed(complete):
        if not beaten:
            return
        if folder := beaten.pop(_tail(trial.user_attrs[CHECKPOINT]), None):
            drop_slot(folder.parents[1])


def weights_of(trial: FrozenTrial, study: Study, *, root: str) -> Path:
    """The folder of a complete trial's weights: below root, wherever that lies by now, or where
    the study says that they were laid."""
    recorded = trial.user_attrs[CHECKPOINT]
    here = Path(root) / study.study_name / _tail(recorded)
    return here if here.is_dir() else Path(recorded)


def _age(folder: Path) -> tuple[int, int]:
    return _number(folder.parent), _number(folder)


def _tail(folder: str) -> str:
    """slot-0003/attempt-2/model of any path to it."""
    return "/".join(folder.replace("\\", "/").rsplit("/", 3)[-3:])


def _number(folder: Path) -> int:
    return int(folder.name.removesuffix(PART).rpartition("-")[2])
