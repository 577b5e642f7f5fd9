"""A teacher's logits for the training rows, computed once and cached on disk.

cache/teachers/KEY/logits.npy    [N, C] float32, labels in the dataset's order
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from finesweep.caches import discard, get_or_build
from finesweep.config import Config
from finesweep.dataset import tokenize
from finesweep.errors import ConfigError, Problem
from finesweep.model import load_trained
from finesweep.records import TextDataset
from finesweep.runs.teachers.reading import FIELD, Teacher, teacher_files, weights_sha256
from finesweep.training import check_template, predict, template_of
from finesweep.training.checkpoint.rng_state import preserve_rng_state

FILE = "logits.npy"
UNREADABLE = (OSError, ValueError, EOFError)
"""What numpy raises for a file that is missing or cut short."""
OnBatch = Callable[[], None]


def teacher_logits(
    teacher: Teacher,
    dataset: TextDataset,
    config: Config,
    *,
    on_batch: OnBatch = lambda: None,
) -> np.ndarray:
    """[N, C] float32: row k is the teacher's for row k of train, in the order of the dataset's
    labels.

    Read from the config's cache; one process computes them if they are not there, and the others
    wait. on_batch is called after each batch and while waiting, and may raise. ConfigError when the
    teacher's files have changed since it was read, or when its logits are not finite.
    """
    shape = len(dataset.train), len(dataset.label_names)
    entry = Path(config.storage.cache) / "teachers" / _key(teacher, dataset, config)
    build = partial(_write, teacher, dataset, config, on_batch)
    get_or_build(entry, build, on_wait=on_batch)
    try:
        return _read(entry, shape)
    except UNREADABLE:  # half of it was lost in a crash, or it is evicted
        discard(entry)
    return _read(get_or_build(entry, build, on_wait=on_batch), shape)


def _key(teacher: Teacher, dataset: TextDataset, config: Config) -> str:
    """The name of the logits, from weights, data, and what the teacher reads of each row."""
    identity = {
        "weights": teacher.sha256,
        "data": dataset.fingerprint,
        "max_length": _max_length(teacher, config),
        "pairs": dataset.pairs,
        "columns": config.dataset.text_columns,
    }
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _max_length(teacher: Teacher, config: Config) -> int:
    return teacher.max_length or config.dataset.max_length


def _read(entry: Path, shape: tuple[int, int]) -> np.ndarray:
    logits: np.ndarray = np.load(entry / FILE, allow_pickle=False)
    if logits.shape != shape:
        raise ValueError(f"{entry / FILE}: {logits.shape}, not {shape}")
    return logits


def _write(
    teacher: Teacher, dataset: TextDataset, config: Config, on_batch: OnBatch, folder: Path
) -> None:
    logits = _computed(teacher, dataset, config, on_batch)
    if not np.isfinite(logits).all():
        raise _problem(teacher, "its logits are not finite")
    np.save(folder / FILE, logits)


def _computed(
    teacher: Teacher, dataset: TextDataset, config: Config, on_batch: OnBatch
) -> np.ndarray:
    files = teacher_files(teacher.uri, tracking_uri=config.tracking.uri)
    if weights_sha256(files) != teacher.sha256:
        raise _problem(teacher, "its files have changed since the study or the run began")
    model, tokenizer = load_trained(files.weights, tokenizer=files.tokenizer)
    cache, max_length = Path(config.storage.cache), _max_length(teacher, config)
    tokens = tokenize(dataset, tokenizer, max_length=max_length, cache=cache)
    check_template(template_of(tokens), tokenizer, dataset.train["text"])
    # In full precision: the same logits whatever a trial's own precision is.
    training = replace(config.training, precision="fp32")
    with preserve_rng_state():  # a run whose logits are cached draws the same random numbers
        predictions = predict(model.float(), tokens.train, tokens, training, on_batch=on_batch)
    columns = [teacher.label_names.index(name) for name in dataset.label_names]
    return np.ascontiguousarray(predictions.logits[:, columns], dtype=np.float32)


def _problem(teacher: Teacher, message: str) -> ConfigError:
    return ConfigError(Problem(FIELD, f"{teacher.uri!r}: {message}"))
