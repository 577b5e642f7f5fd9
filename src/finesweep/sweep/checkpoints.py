"""Weights of the trials that may still win, one folder each, dropped when they no longer may."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from optuna import Study
from optuna.trial import TrialState
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.errors import ConfigError, Problem
from finesweep.records import Objective
from finesweep.sweep.attributes import CHECKPOINT

PART = ".part"
"""Suffix of a folder that is being written."""
LEAST_FREE_BYTES = 512 * 1024**2
"""Of the folder's disk at a sweep's start: room for the weights of one BERT base."""


def checkpoint_folder(root: str, study: str, *, slot: int, attempt: int) -> Path:
    return Path(root) / study / f"slot-{slot:04d}" / f"attempt-{attempt}"


def save_checkpoint(
    folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Writes model and tokenizer as safetensors and JSON; the folder exists only when complete."""
    aside = folder.with_name(f"{folder.name}{PART}")
    shutil.rmtree(aside, ignore_errors=True)
    model.save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    for file in aside.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())
    shutil.rmtree(folder, ignore_errors=True)
    aside.replace(folder)


def keep_best(study: Study, objective: Objective, *, root: str, k: int) -> None:
    """Removes the weights of every trial that is not among the k best complete ones."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    sign = 1 if objective.direction == "minimize" else -1
    ranked = sorted(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number))
    kept = {Path(trial.user_attrs[CHECKPOINT]).resolve() for trial in ranked[:k]}
    for folder in (Path(root) / study.study_name).glob("slot-*/attempt-*"):
        if folder.suffix != PART and folder.resolve() not in kept:
            shutil.rmtree(folder)
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()


def require_space(root: str, *, least_bytes: int = LEAST_FREE_BYTES) -> None:
    """ConfigError when the checkpoints' disk is too full to begin, or cannot be written."""
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root).free
    except OSError as error:
        raise ConfigError(Problem("storage.checkpoints", f"{root}: {error.strerror}")) from error
    if not os.access(root, os.W_OK):
        raise ConfigError(Problem("storage.checkpoints", f"{root}: cannot be written"))
    if free < least_bytes:
        megabytes = f"{free / 1024**2:,.0f} MiB free at {root}, {least_bytes / 1024**2:,.0f} needed"
        raise ConfigError(Problem("storage.checkpoints", f"no disk space: {megabytes}"))
