"""One model's speed in any configuration, from a few that were measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from finesweep.config import Config
from finesweep.report.plan.warmup import WarmUp
from finesweep.training import run_schedule

MAX_LENGTHS = 3
"""Values of max_length that are measured; those in between are interpolated."""
TRIAL_SECONDS = 1.0
"""Of a trial besides training: sampler, database, loading and logging, measured with `demo`."""
WRITTEN_BYTES_PER_SECOND = 2e8
"""Of a trial's weights, which are hashed and synced."""


@dataclass(frozen=True)
class Speeds:
    """Measured steps of one model, and what they say about its other configurations."""

    by_length: tuple[WarmUp, ...]
    """Ascending, with the least depth and the largest batch."""
    deepest: WarmUp | None
    """With the longest input and the most frozen layers; None if depth is not searched."""
    smallest: WarmUp | None
    """With the longest input and the smallest batch; None if the batch is not searched."""

    @property
    def longest(self) -> WarmUp:
        return self.by_length[-1]

    @property
    def all(self) -> tuple[WarmUp, ...]:
        others = (each for each in (self.deepest, self.smallest) if each is not None)
        return (*self.by_length, *others)

    def trial_seconds(self, config: Config) -> float:
        """A trial from its start to its end, without pruning."""
        n_bytes = 4 * (self.longest.parameters.trainable + self.longest.parameters.frozen)
        return self.training_seconds(config) + TRIAL_SECONDS + n_bytes / WRITTEN_BYTES_PER_SECOND

    def training_seconds(self, config: Config) -> float:
        """Training steps and evaluations; what pruning shortens."""
        training, length = config.training, config.dataset.max_length
        train, validation = self.longest.train, self.longest.validation
        n_steps = training.epochs * train.training_places(length, training.batch_size)
        evaluated = validation.evaluation_places(length, training.evaluation_batch_size)
        n_evaluated = evaluated * self._n_evaluations(config)
        seconds = self._training_per_token(config) * n_steps
        seconds += self._at_length("evaluation_seconds_per_token", length) * n_evaluated
        return seconds - self._saved_by_cache(config, n_steps, n_evaluated)

    def frozen_layers(self, config: Config) -> int:
        depth = config.model.freeze_layers
        return self.longest.n_layers if depth == "all" else int(depth)

    def activation_bytes(self, config: Config) -> int:
        """Size of the config's activation cache; 0 without one."""
        if not self._is_cached(config):
            return 0
        measured = self._frozen()
        ratio = self.longest.train.n_tokens(config.dataset.max_length) / (
            measured.train.n_tokens(measured.config.dataset.max_length)
        )
        return int(measured.activations.n_bytes * ratio)

    def _training_per_token(self, config: Config) -> float:
        seconds = self._at_length("training_seconds_per_token", config.dataset.max_length)
        if (deepest := self.deepest) is not None:
            ends = self.longest, deepest
            depths = [each.frozen_layers for each in ends]
            seconds *= _ratio(self.frozen_layers(config), depths, ends)
        if (smallest := self.smallest) is not None:
            # A step costs a constant and so much for each row: per row it is linear in 1 / rows.
            ends = self.longest, smallest
            inverse = [1 / each.config.training.batch_size for each in ends]
            seconds *= _ratio(1 / config.training.batch_size, inverse, ends)
        return seconds

    def _at_length(self, name: str, length: int) -> float:
        lengths = [each.config.dataset.max_length for each in self.by_length]
        return float(np.interp(length, lengths, [getattr(each, name) for each in self.by_length]))

    def _n_evaluations(self, config: Config) -> float:
        """In whole validation splits: within an epoch pruning_rows may be fewer."""
        training, n_rows = config.training, self.longest.validation.n_rows
        n = len(run_schedule(training, self.longest.train.n_rows).evaluation_steps)
        sampled = min(1.0, (training.pruning_rows or n_rows) / n_rows)
        return training.epochs + (n - training.epochs) * sampled

    def _saved_by_cache(self, config: Config, n_steps: float, n_evaluated: float) -> float:
        """Forward passes of frozen layers that are read after the first pass over the rows."""
        if not self._is_cached(config):
            return 0.0
        length = config.dataset.max_length
        share = self.frozen_layers(config) / self.longest.n_layers
        first = n_steps / config.training.epochs + n_evaluated / self._n_evaluations(config)
        forward = self._at_length("evaluation_seconds_per_token", length)
        return share * forward * max(0.0, n_steps + n_evaluated - first)

    def _frozen(self) -> WarmUp:
        return self.longest if self.deepest is None else self.deepest

    def _is_cached(self, config: Config) -> bool:
        return self._frozen().activations.why_not is None and self.frozen_layers(config) > 0


def measure(configs: Sequence[Config], warm_up: Callable[[Config], WarmUp]) -> Speeds:
    """The speeds of one model from its drawn configs: MAX_LENGTHS lengths, and the ends of depth
    and batch size at the longest one."""
    base = configs[0]
    lengths = sorted({each.dataset.max_length for each in configs})
    places = np.linspace(0, len(lengths) - 1, min(len(lengths), MAX_LENGTHS)).round().astype(int)
    depths = sorted({each.model.freeze_layers for each in configs}, key=_depth)
    sizes = sorted({each.training.batch_size for each in configs})

    def at(length: int, depth: int | str, size: int) -> WarmUp:
        return warm_up(
            replace(
                base,
                dataset=replace(base.dataset, max_length=length),
                model=replace(base.model, freeze_layers=depth),
                training=replace(base.training, batch_size=size),
            )
        )

    return Speeds(
        by_length=tuple(at(lengths[k], depths[0], sizes[-1]) for k in places),
        deepest=at(lengths[-1], depths[-1], sizes[-1]) if len(depths) > 1 else None,
        smallest=at(lengths[-1], depths[0], sizes[0]) if len(sizes) > 1 else None,
    )


def _depth(freeze_layers: int | str) -> float:
    return float("inf") if freeze_layers == "all" else float(freeze_layers)


def _ratio(value: float, ends: Sequence[float], measured: Sequence[WarmUp]) -> float:
    """Training time per token at value over that at the first end, linear in between."""
    seconds = [each.training_seconds_per_token for each in measured]
    (low, first), (high, second) = sorted(zip(ends, seconds, strict=True))
    return float(np.interp(value, [low, high], [first, second])) / seconds[0]
