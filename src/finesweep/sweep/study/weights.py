"""Weights of finished slots: where they lie, and which of them are kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.sweep.study.keys import CHECKPOINT

MODEL = "model"
"""Folder of an attempt's best weights, beside those of its checkpoints."""


def slot_folder(root: str, study: str, slot: int) -> Path:
    return Path(root) / study / f"slot-{slot:04d}"


def delete_checkpoints(slot: Path, *, but: Path | None = None) -> None:
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
            delete_checkpoints(folder.parents[1])


def weights_of(trial: FrozenTrial, study_name: str, *, root: str) -> Path:
    """The folder of a complete trial's weights: below root, wherever that lies by now, or where
    the study says that they were laid."""
    recorded = trial.user_attrs[CHECKPOINT]
    here = Path(root) / study_name / _tail(recorded)
    return here if here.is_dir() else Path(recorded)


def _tail(folder: str) -> str:
    """slot-0003/attempt-2/model of any path to it."""
    return "/".join(folder.replace("\\", "/").rsplit("/", 3)[-3:])
