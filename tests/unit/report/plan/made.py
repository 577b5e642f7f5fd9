"""Warm-ups, speeds and draws made of round numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from finesweep.config import Config
from finesweep.model import ParameterCount
from finesweep.report.plan.draws import Draw
from finesweep.report.plan.places import row_lengths
from finesweep.report.plan.warmup import WarmUp
from finesweep.training import ActivationPlan

N_ROWS = 100


def config(
    *,
    max_length: int = 10,
    freeze_layers: int | str = 0,
    batch_size: int = 10,
    epochs: int = 1,
    evaluations: int = 1,
) -> Config:
    """Of a run on N_ROWS rows of ten tokens."""
    made = Config()
    return replace(
        made,
        dataset=replace(made.dataset, max_length=max_length),
        model=replace(made.model, freeze_layers=freeze_layers),
        training=replace(
            made.training,
            batch_size=batch_size,
            epochs=epochs,
            evaluations_per_epoch=evaluations,
            evaluation_batch_size=10,
        ),
    )


def warmed(of: Config, **changes: Any) -> WarmUp:
    """A token takes a millisecond to train and half of one to evaluate; frozen layers cost half."""
    depth = 4 if of.model.freeze_layers == "all" else int(of.model.freeze_layers)
    lengths = row_lengths(np.full(N_ROWS, 10))
    made = WarmUp(
        config=of,
        frozen_layers=depth,
        n_layers=4,
        parameters=ParameterCount(trainable=1000, frozen=0),
        training_seconds_per_token=0.001 * (1 - depth / 8),
        fastest_seconds_per_token=0.001,
        evaluation_seconds_per_token=0.0005,
        fixed_bytes=1000,
        peak_bytes=5000,
        row_bytes=100,
        usable_bytes=8000,
        train=lengths,
        validation=lengths,
        activations=ActivationPlan(depth, "none", "not in this test"),
        token_key="tokens",
        token_bytes=70,
    )
    return replace(made, **changes)


def draw(**fields: Any) -> Draw:
    return Draw("bert", config(**fields))
