"""The state of a training run beside weights, optimizer and Trainer's own state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from finesweep.errors import FinesweepError, nearest
from finesweep.records import Evaluation, Objective, Predictions
from finesweep.training.checkpoint.weights import copied_weights


@dataclass
class TrainingState:
    """What a run needs to resume, beside weights, optimizer and Trainer's own state."""

    evaluations: list[Evaluation] = field(default_factory=list)
    best: Evaluation | None = None
    best_predictions: Predictions | None = None
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    """Trainable parameters at the best evaluation, on the CPU."""
    evaluations_without_gain: int = 0
    stopped_early: bool = False
    loss_sum: float = 0.0
    """Sum of the losses of the optimizer steps since the last evaluation."""
    n_steps: int = 0
    """Number of these steps."""
    n_tokens: int = 0
    """Size of their batches in tokens, padding included."""
    n_padded: int = 0
    """Number of padding tokens among them."""


def append_evaluations(state: TrainingState, evaluations: list[Evaluation]) -> None:
    """Adds one evaluation of the validation split, which may cover several due steps."""
    state.evaluations += evaluations
    state.loss_sum, state.n_steps = 0.0, 0
    state.n_tokens, state.n_padded = 0, 0


def update_best(
    state: TrainingState,
    evaluations: list[Evaluation],
    predictions: Predictions,
    weights: Mapping[str, torch.Tensor],
    *,
    objective: Objective,
    patience: int | None,
) -> None:
    """Compares an evaluation of the whole split with the best so far, and counts patience.

    The first of these evaluations becomes the best, and weights are copied, when the objective has
    strictly improved. FinesweepError when the objective's metric was not computed.
    """
    value = _value(evaluations[0], objective)
    best = objective.worst if state.best is None else _value(state.best, objective)
    if objective.is_better(value, best):
        state.best, state.best_predictions = evaluations[0], predictions
        state.evaluations_without_gain = 0
        state.best_weights = copied_weights(weights, into=state.best_weights)
    else:
        state.evaluations_without_gain += 1
        state.stopped_early = state.evaluations_without_gain == patience


def state_tree(state: TrainingState) -> dict[str, Any]:
    """TrainingState as plain values and tensors, for state_of; the best evaluation is an index."""
    best, predictions = state.best, state.best_predictions
    return vars(state) | {
        "evaluations": [asdict(evaluation) for evaluation in state.evaluations],
        "best": None if best is None else state.evaluations.index(best),
        "best_predictions": None if predictions is None else vars(predictions),
    }


def state_of(tree: dict[str, Any]) -> TrainingState:
    """The state of a tree by state_tree; arrays may have become tensors."""
    evaluations = evaluations_of(tree)
    best, predictions = tree["best"], tree["best_predictions"]
    # Checkpoints of version 0.1 call it n_places.
    tree = {"n_tokens" if name == "n_places" else name: value for name, value in tree.items()}
    fields = tree | {
        "evaluations": list(evaluations),
        "best": None if best is None else evaluations[best],
        "best_predictions": None
        if predictions is None
        else Predictions(**{name: np.asarray(array) for name, array in predictions.items()}),
    }
    return TrainingState(**fields)


def evaluations_of(tree: dict[str, Any]) -> tuple[Evaluation, ...]:
    """The evaluations in a state's tree, in order."""
    return tuple(Evaluation(**evaluation) for evaluation in tree["evaluations"])


def _value(evaluation: Evaluation, objective: Objective) -> float:
    if objective.metric not in evaluation.metrics:
        suggestion = nearest(objective.metric, evaluation.metrics)
        raise FinesweepError(f"{objective.metric} is not computed here; {suggestion}")
    return evaluation.metrics[objective.metric]
