"""What a training run has found so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from finesweep.errors import FinesweepError, nearest
from finesweep.records import Evaluation, Objective, Predictions


@dataclass
class Progress:
    """All that a run must know, beside weights and Trainer's own state, to go on from here."""

    evaluations: list[Evaluation] = field(default_factory=list)
    best: Evaluation | None = None
    best_predictions: Predictions | None = None
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    """Of the trainable parameters at the best evaluation, on the CPU."""
    evaluations_without_gain: int = 0
    stopped_early: bool = False
    loss_sum: float = 0.0
    """Of the optimizer steps since the last evaluation."""
    n_steps: int = 0
    """Their number."""
    n_places: int = 0
    """Of their batches, in tokens."""
    n_padded: int = 0
    """How many of them hold no token."""


def enter(progress: Progress, made: list[Evaluation]) -> None:
    """Enters one look at the validation split, made for one or several due steps."""
    progress.evaluations += made
    progress.loss_sum, progress.n_steps = 0.0, 0
    progress.n_places, progress.n_padded = 0, 0


def judge(
    progress: Progress,
    made: list[Evaluation],
    predictions: Predictions,
    weights: Mapping[str, torch.Tensor],
    *,
    objective: Objective,
    patience: int | None,
) -> None:
    """Compares a look at the whole split with the best one so far, and counts patience.

    The first of those made is the best one when the objective has strictly gained; weights are
    copied then. FinesweepError when the objective's metric was not measured.
    """
    value = _value(made[0], objective)
    best = objective.worst if progress.best is None else _value(progress.best, objective)
    if objective.is_better(value, best):
        progress.best, progress.best_predictions = made[0], predictions
        progress.evaluations_without_gain = 0
        # On the CPU, to leave the GPU's memory alone.
        progress.best_weights = {
            name: weight.detach().to("cpu", copy=True) for name, weight in weights.items()
        }
    else:
        progress.evaluations_without_gain += 1
        progress.stopped_early = progress.evaluations_without_gain == patience


def trainable_weights(model: PreTrainedModel) -> dict[str, torch.nn.Parameter]:
    """The parameters that training can change, by name; all others are as they were loaded."""
    return {
        name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad
    }


def copy_weights(weights: Mapping[str, torch.Tensor], model: PreTrainedModel) -> None:
    """Puts weights into model's trainable parameters; FinesweepError when they do not fit."""
    parameters = trainable_weights(model)
    shapes = {name: weight.shape for name, weight in weights.items()}
    if shapes != {name: parameter.shape for name, parameter in parameters.items()}:
        raise FinesweepError("the weights are of a model of another shape, or frozen otherwise")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])


def progress_tree(progress: Progress) -> dict[str, Any]:
    """Progress as plain values and tensors, for progress_of; the best evaluation as its index."""
    best, predictions = progress.best, progress.best_predictions
    return vars(progress) | {
        "evaluations": [asdict(evaluation) for evaluation in progress.evaluations],
        "best": None if best is None else progress.evaluations.index(best),
        "best_predictions": None if predictions is None else vars(predictions),
    }


def progress_of(tree: dict[str, Any]) -> Progress:
    """The progress that progress_tree made a tree of; arrays may have become tensors."""
    evaluations = evaluations_of(tree)
    best, predictions = tree["best"], tree["best_predictions"]
    fields = tree | {
        "evaluations": list(evaluations),
        "best": None if best is None else evaluations[best],
        "best_predictions": None
        if predictions is None
        else Predictions(**{name: np.asarray(array) for name, array in predictions.items()}),
    }
    return Progress(**fields)


def evaluations_of(tree: dict[str, Any]) -> tuple[Evaluation, ...]:
    """The evaluations in a progress's tree, in the order in which they were made."""
    return tuple(Evaluation(**evaluation) for evaluation in tree["evaluations"])


def _value(evaluation: Evaluation, objective: Objective) -> float:
    if objective.metric not in evaluation.metrics:
        known = nearest(objective.metric, evaluation.metrics)
        raise FinesweepError(f"{objective.metric} is not measured here; {known}")
    return evaluation.metrics[objective.metric]
