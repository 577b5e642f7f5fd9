"""Saved weights of finished slots: their folders, and which are deleted."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from optuna.trial import FrozenTrial

from finesweep.sweep.study.keys import CHECKPOINT
from finesweep.sweep.study.ranking import complete

MODEL = "model"
"""Folder of an attempt's best weights, next to its checkpoints."""


def slot_folder(root: str, study: str, slot: int) -> Path:
    return Path(root) / study / f"slot-{slot:04d}"


def delete_checkpoints(slot: Path, *, but: Path | None = None) -> None:
    """Deletes all folders of a finished slot except that of its result."""
    for folder in slot.glob("attempt-*/*"):
        if but is None or folder.resolve() != but.resolve():
            shutil.rmtree(folder, ignore_errors=True)
    for folder in [*slot.glob("attempt-*"), slot]:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def keep_weights(
    study_name: str, trials: Iterable[FrozenTrial], best: Iterable[FrozenTrial], *, root: str
) -> None:
    """Deletes the weights of every complete trial except the best ones.

    trials are those that the best were chosen from: of two workers, the other may have completed a
    better one since.
    """
    best_tails = {_tail(trial.user_attrs[CHECKPOINT]) for trial in best}
    # A study of thousands of trials has few weights, so the search starts from the folders.
    folders = (Path(root) / study_name).glob(f"slot-*/attempt-*/{MODEL}")
    others = {tail: path for path in folders if (tail := _tail(str(path))) not in best_tails}
    for trial in reversed(complete(trials)):
        if not others:
            return
        if folder := others.pop(_tail(trial.user_attrs[CHECKPOINT]), None):
            delete_checkpoints(folder.parents[1])


def weights_of(trial: FrozenTrial, study_name: str, *, root: str) -> Path:
    """The folder of a complete trial's weights: under root, which may have moved, or else the path
    recorded in the study."""
    recorded = trial.user_attrs[CHECKPOINT]
    current = Path(root) / study_name / _tail(recorded)
    return current if current.is_dir() else Path(recorded)


def _tail(folder: str) -> str:
    """The end of a weights path that does not depend on root: slot-0003/attempt-2/model."""
    return "/".join(folder.replace("\\", "/").rsplit("/", 3)[-3:])
