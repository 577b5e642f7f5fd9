"""Records of a plan: what was measured, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A few training steps of one model at one maximum length, on this machine."""

    model: str
    """Choice of the group model; with the dataset's name if the sweep searches it too."""
    max_length: int
    """Tokens per text."""
    frozen_layers: int
    batch_size: int
    """Rows in a batch of the measured steps."""
    step_seconds: float
    """Mean over an epoch's batches of that size."""
    training_seconds_per_token: float
    """A place in a batch, padding included, forwards and backwards."""
    evaluation_seconds_per_token: float
    peak_bytes: int
    """Of the process, or of the GPU, while it trained."""
    row_bytes: int
    """What one more row in the batch adds."""
    largest_batch: int
    """Largest power of two of rows expected to fit, at most the train split's rows."""
    parameters: int
    trainable: int
    activation_bytes: int
    """Size of its activation cache; 0 if there would be none."""


@dataclass(frozen=True)
class Disk:
    """Bytes on disk at the end of the sweep, and while it runs."""

    weights: int
    """Of the best trials, of the confirmed ones, and of the winner as an MLflow model."""
    checkpoints: int
    """Of running trials; 0 if they end before the first checkpoint is due."""
    tokens: int
    activations: int
    free: int

    @property
    def needed(self) -> int:
        return self.weights + self.checkpoints + self.tokens + self.activations


@dataclass(frozen=True)
class Option:
    """The whole sweep with some number of workers on this machine, or of such machines with Ray and
    Slurm."""

    workers: int
    threads: int
    """Of each worker."""
    n_trials: int
    """sweep.n_trials; in a sweep by time, as many as are expected to fit."""
    seconds: float
    """Expected, without pruning."""
    seconds_pruned: tuple[float, float]
    """(low, high), expected with the sweep's pruner."""
    memory_bytes: int
    """Of all workers on one machine, at their peak."""
    cost: float | None
    """Of expected_seconds at plan.price_per_hour; None without a price."""

    @property
    def expected_seconds(self) -> float:
        """The middle of seconds_pruned."""
        return sum(self.seconds_pruned) / 2


@dataclass(frozen=True)
class Plan:
    """What a sweep is expected to take on this machine."""

    sweep: str
    device: str
    """cpu, or the GPU's name."""
    n_confirmations: int
    """Retrainings that confirm the best trials, at most."""
    trial_seconds: float
    """A trial without pruning, on average over the search space, with the configured workers."""
    share_trained: tuple[float, float]
    """(low, high) share of the search's steps that is left by pruning."""
    workers: int
    """Configured number, which is one of the options."""
    options: tuple[Option, ...]
    memory_free_bytes: int
    """Of this machine, or of one GPU."""
    disk: Disk
    measured: tuple[Measured, ...]
    notes: tuple[str, ...]
    """How sampler and pruner go about it, one sentence each."""
    warnings: tuple[str, ...]
    """Why the plan cannot finish as configured, one sentence each."""

    @property
    def configured(self) -> Option:
        """The option with the configured number of workers."""
        return next(each for each in self.options if each.workers == self.workers)
