"""What a sweep takes, from its draws and its models' speeds; a pure rule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from finesweep.config import SweepPlan
from finesweep.report.plan.draws import Draw, Draws
from finesweep.report.plan.records import Disk, Option
from finesweep.report.plan.speeds import Speeds
from finesweep.report.plan.warmup import STATE_BYTES
from finesweep.sweep.time_budget import MAX_RESERVE
from finesweep.wording import duration, gigabytes

COMMAND_SECONDS = 15.0
"""Of a sweep before its first trial and after its last: imports, checks, the final evaluation and
the registration; measured with `demo`."""


@dataclass(frozen=True)
class Machine:
    """What the workers of a sweep share, or have each with Ray and Slurm."""

    threads: Mapping[int, int]
    """Workers → threads of each."""
    slowdown: Mapping[int, float]
    """Threads → training time over that with the measured threads."""
    n_at_once: int | None
    """Workers that run at full speed: cores, or GPUs; None if each has a machine of its own."""
    n_gpus: int
    price_per_hour: float | None


@dataclass(frozen=True)
class Workload:
    """What a sweep has to do, with the threads that were measured."""

    first_seconds: float
    """Mean of the known first trials."""
    n_first: int
    other_seconds: float
    """Mean of the others."""
    share_of_training: float
    """Share of a trial's time that pruning shortens."""
    share_trained: tuple[float, float]
    n_trials: int | None
    n_confirmations: int
    timeout_seconds: float | None

    @property
    def trial_seconds(self) -> float:
        """A trial without pruning, on average over the whole search."""
        return self.search_seconds(self.n_trials) / (self.n_trials or 1)

    def search_seconds(self, n_trials: int | None) -> float:
        """All trials, one after the other; of one if their number is not known."""
        n_trials = n_trials or 1
        n_first = min(self.n_first, n_trials)
        return n_first * self.first_seconds + (n_trials - n_first) * self.other_seconds

    def shortened(self, share: float) -> float:
        """Factor of a trial's time when this share of its steps is trained."""
        return 1 - self.share_of_training * (1 - share)


def workload(plan: SweepPlan, draws: Draws, speeds: Mapping[str, Speeds],
             share_trained: tuple[float, float]) -> Workload:  # fmt: skip
    """The sweep's work."""
    every = [*draws.first, *draws.others]
    whole = {id(draw): speeds[draw.model].trial_seconds(draw.config) for draw in every}
    trained = sum(speeds[draw.model].training_seconds(draw.config) for draw in every)
    settings, confirm = plan.settings, plan.confirm
    n_best = 0 if confirm is None else min(confirm.top_k, settings.n_trials or confirm.top_k)
    minutes = settings.timeout_minutes
    return Workload(
        first_seconds=float(np.mean([whole[id(draw)] for draw in draws.first] or [0.0])),
        n_first=len(draws.first),
        other_seconds=float(np.mean([whole[id(draw)] for draw in draws.others])),
        share_of_training=trained / sum(whole.values()),
        share_trained=share_trained,
        n_trials=settings.n_trials,
        n_confirmations=n_best * (0 if confirm is None else confirm.seeds),
        timeout_seconds=None if minutes is None else 60 * minutes,
    )


def option(work: Workload, machine: Machine, workers: int, *, peak_bytes: int) -> Option:
    """The sweep with so many workers."""
    threads = machine.threads[workers]
    at_once = min(workers, machine.n_at_once or workers)
    slower = machine.slowdown[threads]
    n_trials = work.n_trials or _n_fitting(work, slower / at_once)
    mean = slower * work.search_seconds(n_trials) / n_trials
    confirming = _makespan(work.n_confirmations, mean, at_once)

    def seconds(share: float) -> float:
        searching = _makespan(n_trials, mean * work.shortened(share), at_once)
        return searching + confirming + COMMAND_SECONDS

    low, high = (seconds(share) for share in work.share_trained)
    if work.n_trials is None and work.timeout_seconds is not None:
        low = high = work.timeout_seconds + COMMAND_SECONDS
    hours = (low + high) / 2 / 3600
    n_paid = 1 if machine.n_at_once else workers
    price = machine.price_per_hour
    n_sharing = 1 if machine.n_at_once is None else math.ceil(workers / max(1, machine.n_gpus))
    return Option(
        workers=workers,
        threads=threads,
        n_trials=n_trials,
        seconds=high if work.n_trials is None else seconds(1.0),
        seconds_pruned=(low, high),
        memory_bytes=peak_bytes * n_sharing,
        cost=None if price is None else price * hours * n_paid,
    )


def disk(plan: SweepPlan, draws: Draws, speeds: Mapping[str, Speeds], n_trials: int,
         *, trial_seconds: float, token_bytes: int, free_bytes: int) -> Disk:  # fmt: skip
    """What the sweep writes, at its most."""
    config, confirm = plan.base.config, plan.confirm
    parameters = [speed.longest.parameters for speed in speeds.values()]
    largest = 4 * max(each.trainable + each.frozen for each in parameters)
    n_confirmed = 0 if confirm is None else min(confirm.top_k, n_trials)
    if confirm is not None and confirm.combines:
        n_confirmed *= confirm.seeds
    n_kept = min(plan.settings.keep_top_k, n_trials) + n_confirmed + 1
    # A checkpoint has weights, two moments and the best weights; the next is written beside it.
    state = STATE_BYTES * max(each.trainable for each in parameters)
    is_long = trial_seconds > 60 * config.storage.checkpoint_minutes
    return Disk(
        weights=n_kept * largest,
        checkpoints=2 * state * config.workers if is_long else 0,
        tokens=token_bytes,
        activations=min(
            int(1e9 * config.storage.cache_gb), _activation_bytes(draws, speeds, n_trials)
        ),
        free=free_bytes,
    )


def _n_fitting(work: Workload, seconds_per_second: float) -> int:
    """Trials of a sweep by time, which keeps at most half of it for the confirmation."""
    assert work.timeout_seconds is not None
    mean = work.other_seconds * seconds_per_second
    reserved = min(mean * work.n_confirmations, MAX_RESERVE * work.timeout_seconds)
    shortened = work.shortened(sum(work.share_trained) / 2)
    return max(1, int((work.timeout_seconds - reserved) / (mean * shortened)))


def _makespan(n: int, mean: float, n_at_once: int) -> float:
    """Seconds until n jobs of this mean have ended; at the end some workers have nothing to do, on
    average for half a job."""
    if n == 0:
        return 0.0
    idle = 0.5 * (n_at_once - 1) / n_at_once
    return mean * max(1.0, n / n_at_once + idle)


def _activation_bytes(draws: Draws, speeds: Mapping[str, Speeds], n_trials: int) -> int:
    """Expected size of the states of all distinct model, length and depth that are drawn."""
    sizes = {_states(draw): speeds[draw.model].activation_bytes(draw.config)
             for draw in draws.others}  # fmt: skip
    counts, n_draws = Counter(map(_states, draws.others)), len(draws.others)
    return int(sum(sizes[k] * (1 - (1 - n / n_draws) ** n_trials) for k, n in counts.items()))


def _states(draw: Draw) -> tuple[str, int, str]:
    config = draw.config
    return draw.model, config.dataset.max_length, str(config.model.freeze_layers)


def doubts(plan: SweepPlan, configured: Option, found: Disk, *, free_bytes: int,
           too_large: Sequence[str]) -> tuple[str, ...]:  # fmt: skip
    """Why the sweep cannot finish as configured, one sentence each."""
    sentences = []
    minutes, (low, high) = plan.settings.timeout_minutes, configured.seconds_pruned
    if minutes is not None and plan.settings.n_trials is not None and high > 60 * minutes:
        verb = "cannot" if low > 60 * minutes else "may not"
        sentences.append(
            f"the sweep {verb} finish within sweep.timeout_minutes={minutes:g}: it is expected to"
            f" take {duration(low)} to {duration(high)}; the other trials wait for the next"
            " command"
        )
    if configured.memory_bytes > free_bytes:
        needed, free = gigabytes(configured.memory_bytes), gigabytes(free_bytes)
        sentences.append(f"workers={configured.workers} need {needed} of memory, {free} are free")
    if found.needed > found.free:
        needed, free = gigabytes(found.needed), gigabytes(found.free)
        root = plan.base.config.storage.checkpoints
        sentences.append(f"the sweep writes {needed}, {free} are free at {root}")
    return (*sentences, *too_large)
