"""A few real training steps and evaluation batches of one config, timed on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import datasets
import numpy as np
import torch
from transformers import PreTrainedModel

from finesweep.caches import size_bytes
from finesweep.config import Config, TrainingConfig
from finesweep.dataset import load_dataset
from finesweep.model import (
    ParameterCount,
    anatomy_of,
    frozen_depth,
)
from finesweep.records import Objective, Tokens
from finesweep.report.plan.memory import PeakMemory, usable_bytes
from finesweep.report.plan.places import RowLengths, grouped_batches, row_lengths, sorted_batches
from finesweep.runs.preparation import model_of, tokens_of
from finesweep.training import ActivationPlan, fit, plan_activations, template_of
from finesweep.training.activation_cache.timing import Mark, mark, seconds_between
from finesweep.training.arguments import trainer_arguments
from finesweep.training.batches import GroupedByLength

N_STEPS = 6
N_EVALUATIONS = 3
MAX_SECONDS = 10.0
"""After which no further step begins, once one has been timed."""
STATE_BYTES = {"adamw": 16, "adafactor": 8}
"""Of a trained weight besides itself: gradient, the best evaluation's copy, and AdamW's two
moments; Adafactor's means of rows and columns take next to nothing."""
FORWARD_SHARE = 1 / 3
"""Of a training step's time; the backward pass computes two products for each of the forward's."""


@dataclass(frozen=True)
class WarmUp:
    """What a few steps of one config showed."""

    config: Config
    frozen_layers: int
    n_layers: int
    parameters: ParameterCount
    training_seconds_per_token: float
    fastest_seconds_per_token: float
    """Of the fastest training step, which other processes disturbed least."""
    evaluation_seconds_per_token: float
    fixed_bytes: int
    """Memory that does not depend on the batch: the process, weights, gradients and moments."""
    peak_bytes: int
    row_bytes: int
    usable_bytes: int
    """Memory that a training could use, this one's included."""
    train: RowLengths
    validation: RowLengths
    activations: ActivationPlan
    token_key: str
    token_bytes: int
    """Size of the dataset's token cache, which has this key."""

    @property
    def step_seconds(self) -> float:
        """Mean over an epoch's batches."""
        max_length, size = self.config.dataset.max_length, self.config.training.batch_size
        n_batches = -(-self.train.n_rows // size)
        places = self.train.training_places(max_length, size)
        return self.training_seconds_per_token * places / n_batches

    @property
    def n_fitting(self) -> int:
        """Number of the longest rows that are expected to fit into one batch."""
        return max(0, (self.usable_bytes - self.fixed_bytes) // max(1, self.row_bytes))

    @property
    def largest_batch(self) -> int:
        """Largest power of two of rows that is expected to fit, at most all training rows."""
        n_rows = max(1, min(self.n_fitting, self.train.n_rows))
        return int(2 ** (n_rows.bit_length() - 1))


def warm_up(config: Config) -> WarmUp:
    """Trains config for at most N_STEPS batches, from its shortest to its longest; only the token
    cache is kept, which the sweep will use.

    ConfigError when the data or the model cannot be used.
    """
    dataset, cache = load_dataset(config.dataset), Path(config.storage.cache)
    model, tokenizer, parameters = model_of(dataset, config)
    tokens = tokens_of(dataset, tokenizer, config)
    activations = _activations(model, tokens, config)
    template = template_of(tokens)
    splits = {"train": tokens.train, "validation": tokens.validation}
    lengths = {name: template.lengths(split) for name, split in splits.items()}
    timed = _timed(model, tokens, lengths, config.training)
    state_bytes = STATE_BYTES[config.training.optimizer]
    fixed = timed.memory.before_bytes + state_bytes * parameters.trainable
    if timed.device.type == "cuda":
        fixed += 4 * (parameters.trainable + parameters.frozen)
    of_batches = max(timed.memory.peak_bytes - fixed, 0)
    return WarmUp(
        config=config,
        frozen_layers=frozen_depth(model),
        n_layers=len(anatomy_of(model).layers),
        parameters=parameters,
        training_seconds_per_token=timed.training,
        fastest_seconds_per_token=timed.fastest,
        evaluation_seconds_per_token=timed.evaluation,
        fixed_bytes=fixed,
        peak_bytes=timed.memory.peak_bytes,
        row_bytes=int(of_batches / timed.most_places * lengths["train"].max()),
        usable_bytes=usable_bytes(timed.device),
        train=row_lengths(lengths["train"]),
        validation=row_lengths(lengths["validation"]),
        activations=activations,
        token_key=tokens.key,
        token_bytes=size_bytes(cache / "tokens" / tokens.key),
    )


def _activations(model: PreTrainedModel, tokens: Tokens, config: Config) -> ActivationPlan:
    # Elsewhere than in the cache, where it would evict what other sweeps use.
    with tempfile.TemporaryDirectory(dir=config.storage.cache) as root:
        return plan_activations(
            model,
            tokens,
            config.training,
            root=Path(root),
            cache_gb=config.storage.cache_gb,
            shared=True,
        )[1]


@dataclass
class _Timed:
    """Seconds per place of the timed batches, and the memory that they took."""

    device: torch.device
    memory: PeakMemory
    training: float = 0.0
    fastest: float = 0.0
    evaluation: float = 0.0
    most_places: int = 1
    """In one training batch."""
    steps: list[Mark] = field(default_factory=list)
    batches: list[Mark] = field(default_factory=list)


def _timed(
    model: PreTrainedModel, tokens: Tokens, lengths: dict[str, np.ndarray], config: TrainingConfig
) -> _Timed:
    """Timed training and evaluation of chosen batches; model is trained by it."""
    size, evaluated = config.batch_size, config.evaluation_batch_size
    train = _spread(lengths["train"], grouped_batches, size, N_STEPS)
    validation = _spread(lengths["validation"], sorted_batches, evaluated, N_EVALUATIONS)
    short = replace(
        config,
        epochs=1,
        gradient_accumulation_steps=1,
        evaluations_per_epoch=1,
        pruning_rows=None,
        early_stopping_patience=None,
        teacher=None,  # it costs a step nothing
    )
    device = trainer_arguments(short, "").device
    timed = _Timed(device, PeakMemory(device))

    def on_step(examples_seen: int, total: int) -> None:
        timed.steps.append(mark(device))
        spent = seconds_between(timed.steps[0], timed.steps[-1])
        if len(timed.steps) > 1 and spent > MAX_SECONDS:
            raise _EnoughError

    with timed.memory, suppress(_EnoughError):
        fit(
            model,
            replace(
                tokens,
                train=_rows(tokens.train, train),
                validation=_rows(tokens.validation, validation),
            ),
            short,
            objective=Objective(),
            on_evaluation=lambda evaluation: None,
            on_step=on_step,
            on_batch=lambda: timed.batches.append(mark(device)),
        )
    of_rows = lengths["train"][train]
    order = np.fromiter(GroupedByLength(of_rows, batch_size=size, seed=config.seed), int)
    places = _places(of_rows[order], size)[: len(timed.steps)]
    timed.most_places = max(places)
    timed.training = _seconds_per_place(timed.steps, places)
    timed.fastest = min(
        _seconds_per_place(timed.steps[k : k + 2], places[k : k + 2])
        for k in range(len(places) - 1)
    )
    evaluation = _places(np.sort(lengths["validation"][validation])[::-1], evaluated)
    timed.evaluation = (
        _seconds_per_place(timed.batches, evaluation)
        if len(timed.batches) > 1
        else FORWARD_SHARE * timed.training
    )
    return timed


class _EnoughError(Exception):
    """Raised to end a training whose steps are slow."""


def _spread(
    lengths: np.ndarray,
    batches: Callable[[np.ndarray, int], Iterable[np.ndarray]],
    size: int,
    n: int,
) -> np.ndarray:
    """Indices of the rows of n batches of all lengths, the longest included; a split with fewer
    batches gives some of them twice."""
    of_all = sorted(batches(lengths, size), key=lambda batch: int(lengths[batch].max()))
    full = [batch for batch in of_all if len(batch) == max(map(len, of_all))]
    chosen = np.linspace(0, len(full) - 1, n).round().astype(int)
    return np.concatenate([full[k] for k in chosen])


def _rows(split: datasets.Dataset, rows: np.ndarray) -> datasets.Dataset:
    return datasets.Dataset.from_dict(split[rows.tolist()], features=split.features)


def _places(lengths: np.ndarray, size: int) -> list[int]:
    """Places of each batch of rows in this order."""
    parts = (lengths[start : start + size] for start in range(0, len(lengths), size))
    return [len(part) * int(part.max()) for part in parts]


def _seconds_per_place(marks: list[Mark], places: list[int]) -> float:
    """From the first mark, after the first batch, to the last."""
    n = min(len(marks), len(places))
    return seconds_between(marks[0], marks[n - 1]) / sum(places[1:n])
