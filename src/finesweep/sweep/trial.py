"""The spine: one run from a composed config to a tracked result, for `train` and every worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel

from finesweep.config import Composed
from finesweep.dataset import load_dataset, tokenise
from finesweep.model import freeze_layers, load_model, load_tokenizer, weights_sha256
from finesweep.records import (
    Evaluation,
    Objective,
    ParameterCount,
    TextDataset,
    Tokens,
    TrainingResult,
)
from finesweep.sweep.recording import log_result, log_test, recorded
from finesweep.tracking import Run, Store
from finesweep.training import fit


@dataclass(frozen=True)
class Trained:
    """A finished trial: what it was trained on, the model with its best weights, its evaluations."""

    run: Run
    dataset: TextDataset
    tokens: Tokens
    model: PreTrainedModel
    parameters: ParameterCount
    result: TrainingResult
    test_metrics: Mapping[str, float] | None
    """`test/name` → value; None when the config does not evaluate the test split."""
    model_uri: str | None
    """Of the logged model; None when the test split was not evaluated."""


def run_trial(
    composed: Composed,
    *,
    store: Store,
    objective: Objective,
    tags: Mapping[str, Any],
    parent_run_id: str | None = None,
    on_start: Callable[[Run, TextDataset], None] = lambda run, dataset: None,
    on_evaluation: Callable[[Evaluation], None] = lambda evaluation: None,
    on_step: Callable[[int, int], None] = lambda seen, total: None,
) -> Trained:
    """One fine-tuning run, tracked. A config that cannot work raises before any run is made."""
    config = composed.config
    dataset = load_dataset(config.dataset)
    model = load_model(config.model, label_names=dataset.label_names, seed=config.training.seed)
    parameters = freeze_layers(model, config.model.freeze_layers)
    tokens = tokenise(
        dataset, load_tokenizer(config.model), max_length=config.dataset.max_length
    )
    start = tags | {"finesweep.weights_sha256": weights_sha256(model)}
    with recorded(store, composed, dataset, parameters, tags=start, parent=parent_run_id) as run:
        on_start(run, dataset)

        def evaluated(evaluation: Evaluation) -> None:
            run.log_evaluation(evaluation)
            on_evaluation(evaluation)

        result = fit(
            model,
            tokens,
            config.training,
            objective=objective,
            on_evaluation=evaluated,
            on_step=on_step,
        )
        log_result(run, dataset, result, objective=objective)
        test = log_test(run, dataset, tokens, model, config) if config.evaluate_test else None
    metrics, uri = test if test else (None, None)
    return Trained(run, dataset, tokens, model, parameters, result, metrics, uri)
