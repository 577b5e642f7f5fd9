"""Sizes of a new sweep that fit the rows and the hardware: splits, lengths, epochs, budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from finesweep.dataset.profile.lengths import truncated_share
from finesweep.records import SplitName
from finesweep.setup.new.hardware import Encoder, Hardware

LENGTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
LONGEST = {"cpu": 128, "gpu": 512}
"""Longest max_length of a new sweep: on a CPU, longer texts cost more than they are worth first."""
COVERED = (0.75, 0.98)
"""Shares of the texts that the two lengths keep whole."""
N_TRIALS = 20
MINUTES = 60
"""Time that a new sweep should take at most."""
MAX_TRIAL_SECONDS = 300
CONFIRMED = 4
"""Trainings of the confirmation: top_k: 2 with seeds: 2."""
TRIAL_SHARE = 0.6
"""Cost of a mean trial against an unpruned one without frozen layers."""
PADDING = 1.15
"""Tokens of a batch against those of its texts."""
TRIAL_OVERHEAD_SECONDS = 2.0
UPDATE_SECONDS, GPU_UPDATE_SECONDS = 4e-9, 4e-11
"""Seconds in which an optimizer step updates one parameter, roughly."""
MOST: Mapping[SplitName, int] = {"validation": 2_000, "test": 5_000}
"""Rows of a carved split: more narrow the intervals little, and cost time or train rows."""
PRUNING_ROWS = 500
MIN_TRAIN = 500


@dataclass(frozen=True)
class Sizes:
    """What a new sweep fixes and searches that depends on the rows and the machine."""

    train_size: int | None
    validation_size: float | int | None
    test_size: float | int | None
    max_lengths: tuple[int, ...]
    """One or two, in tokens, special ones included."""
    truncated: float
    """Share of the texts that the longest truncates."""
    batch_size: int
    epochs: tuple[int, int]
    """Fewest and most."""
    evaluations_per_epoch: int
    pruning_rows: int | None
    n_trials: int | None
    """None: as many as fit into MINUTES."""
    minutes: float
    """Expected for the whole sweep, roughly."""


def sizes_for(
    n_rows: Mapping[SplitName, int],
    tokens: np.ndarray,
    encoders: Sequence[Encoder],
    hardware: Hardware,
) -> Sizes:
    """The sizes for splits of these rows; tokens [N] int are the lengths of texts of train, special
    tokens included."""
    (validation, n_validation), (test, n_test) = (carved_size(n_rows, split) for split in MOST)
    n_carved = ("validation" not in n_rows) * n_validation + ("test" not in n_rows) * n_test
    n_train = n_rows["train"] - n_carved
    lengths = _lengths(tokens, LONGEST["gpu" if hardware.n_gpus else "cpu"])
    row_seconds = _row_seconds(tokens, lengths, encoders, hardware)
    row_seconds += _step_seconds(encoders, hardware) / _batch_size(n_train)
    train_size = _cut(n_train, row_seconds)
    n_train = train_size or n_train
    evaluations = 2 if n_train < 1_000 else 4
    pruning_rows = PRUNING_ROWS if n_validation > 2 * PRUNING_ROWS else None
    evaluated = (evaluations - 1) * min(n_validation, pruning_rows or n_validation) + n_validation
    epochs = _epochs(n_train)
    trial_seconds = mean(epochs) * row_seconds * (n_train + evaluated / 3) + TRIAL_OVERHEAD_SECONDS
    minutes = (N_TRIALS * TRIAL_SHARE + CONFIRMED) * trial_seconds / 60
    return Sizes(
        train_size=train_size,
        validation_size=validation,
        test_size=test,
        max_lengths=lengths,
        truncated=truncated_share(tokens, lengths[-1], n_special=0) or 0.0,
        batch_size=_batch_size(n_train),
        epochs=epochs,
        evaluations_per_epoch=evaluations,
        pruning_rows=pruning_rows,
        n_trials=N_TRIALS if minutes <= MINUTES else None,
        minutes=min(minutes, MINUTES),
    )


def carved_size(
    n_rows: Mapping[SplitName, int], split: SplitName
) -> tuple[float | int | None, int]:
    """The size of validation or test to configure, None for a whole split of the source, and its
    rows. n_rows are the rows of the splits that the source has."""
    most = MOST[split]
    if split in n_rows:
        is_cut = split == "validation" and n_rows[split] > most
        return (most, most) if is_cut else (None, n_rows[split])
    n_train = n_rows["train"]
    share = 0.2 if n_train < 2_000 else 0.1
    n = round(share * n_train)
    return (share, n) if n <= most else (most, most)


def _lengths(tokens: np.ndarray, longest: int) -> tuple[int, ...]:
    allowed = [length for length in LENGTHS if length <= longest]
    covering = [
        next((length for length in allowed if length >= np.quantile(tokens, share)), longest)
        for share in COVERED
    ]
    if covering == [longest, longest]:
        covering = [longest // 2, longest]
    return tuple(sorted(set(covering)))


def _row_seconds(
    tokens: np.ndarray, lengths: Sequence[int], encoders: Sequence[Encoder], hardware: Hardware
) -> float:
    """Seconds to train on one row for one epoch: three passes of two operations per parameter and
    token."""
    n_tokens = mean(float(np.minimum(tokens, length).mean()) for length in lengths)
    operations = 3 * 2 * PADDING * n_tokens * mean(each.layer_parameters for each in encoders)
    return operations / hardware.flops


def _step_seconds(encoders: Sequence[Encoder], hardware: Hardware) -> float:
    """Seconds of an optimizer step whatever its batch: AdamW reads and writes every parameter."""
    seconds = GPU_UPDATE_SECONDS if hardware.n_gpus else UPDATE_SECONDS
    return seconds * mean(each.parameters for each in encoders)


def _cut(n_train: int, row_seconds: float) -> int | None:
    """Rows of train with which the longest trial takes MAX_TRIAL_SECONDS; None for all."""
    seconds = n_train * row_seconds * _epochs(n_train)[1]
    if seconds <= MAX_TRIAL_SECONDS:
        return None
    size = _rounded(max(MIN_TRAIN, n_train * MAX_TRIAL_SECONDS / seconds))
    return size if size < n_train else None


def _batch_size(n_train: int) -> int:
    return 8 if n_train < 200 else 16 if n_train < 2_000 else 32


def _epochs(n_train: int) -> tuple[int, int]:
    """Fewest and most epochs: few rows need more passes."""
    for rows, epochs in ((1_000, (2, 6)), (10_000, (1, 4)), (100_000, (1, 3))):
        if n_train < rows:
            return epochs
    return (1, 2)


def _rounded(rows: float) -> int:
    """Two significant digits."""
    digits = len(str(int(rows))) - 2
    return int(round(rows, -digits)) if digits > 0 else int(rows)
