"""The spine: one run from a composed config to a tracked result, for `train` and every worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from finesweep.config import Composed
from finesweep.dataset import load_dataset, tokenise
from finesweep.model import freeze_layers, load_model, load_tokenizer
from finesweep.records import Evaluation, Objective, TestResult, TrainingResult
from finesweep.sweep.recording import Setup, log_result, log_test, recorded
from finesweep.tracking import Run, open_store
from finesweep.training import fit


@dataclass(frozen=True)
class Trained:
    """A finished trial, whose setup's model now holds the best evaluation's weights."""

    run: Run
    setup: Setup
    result: TrainingResult
    test: TestResult | None
    """None when the config does not evaluate the test split."""


@dataclass(frozen=True)
class Watch:
    """Who is called back while a trial runs; what on_evaluation raises ends the trial."""

    on_start: Callable[[Run, Setup], None] = lambda run, setup: None
    on_evaluation: Callable[[Evaluation], None] = lambda evaluation: None
    on_step: Callable[[int, int], None] = lambda seen, total: None


def run_trial(
    composed: Composed,
    *,
    objective: Objective,
    tags: Mapping[str, Any],
    parent_run_id: str | None = None,
    watch: Watch,
) -> Trained:
    """One fine-tuning run, tracked. A config that cannot work raises before any run is made."""
    config = composed.config
    dataset = load_dataset(config.dataset)
    tokenizer = load_tokenizer(config.model)
    tokens = tokenise(dataset, tokenizer, max_length=config.dataset.max_length)
    model = load_model(config.model, label_names=dataset.label_names, seed=config.training.seed)
    parameters = freeze_layers(model, config.model.freeze_layers)
    setup = Setup(composed, dataset, tokens, model, parameters)
    store = open_store(config.tracking)
    with recorded(setup, store, tags=tags, parent_run_id=parent_run_id) as run:
        watch.on_start(run, setup)

        def evaluated(evaluation: Evaluation) -> None:
            run.log_evaluation(evaluation)
            watch.on_evaluation(evaluation)

        result = fit(
            model,
            tokens,
            config.training,
            objective=objective,
            on_evaluation=evaluated,
            on_step=watch.on_step,
        )
        log_result(run, setup, result, objective=objective)
        test = log_test(run, setup) if config.evaluate_test else None
    return Trained(run, setup, result, test)
