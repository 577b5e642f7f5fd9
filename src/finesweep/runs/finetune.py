"""One fine-tuning run, from a composed config to a tracked result, for `train` and workers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from finesweep.config import Composed
from finesweep.dataset import load_dataset
from finesweep.ledger import TimeLedger
from finesweep.model import merge_adapters
from finesweep.records import Evaluation, Objective, TestResult, TrainingResult
from finesweep.runs.preparation import model_of, tokens_of, with_teacher
from finesweep.runs.ranks import Followers, order_of, training_ranks
from finesweep.runs.run_logging import Setup, log_result
from finesweep.runs.teachers import Teacher, teacher_logits
from finesweep.runs.test_evaluation import evaluate_on_test
from finesweep.tracking import Run, RunLog
from finesweep.tracking.environment.system_metrics import system_metrics
from finesweep.training import (
    Checkpointing,
    fit,
    plan_activations,
    saved_evaluations,
)


@dataclass(frozen=True)
class Trained:
    """A finished run; its setup's model has the best evaluation's weights."""

    setup: Setup
    result: TrainingResult
    test: TestResult | None
    """The test result; None when the config does not evaluate the test split."""


@dataclass(frozen=True)
class Watch:
    """Callbacks of a run; an exception in one ends the run."""

    on_stage: Callable[[], None] = lambda: None
    """Called between the steps before training, and after each batch of an evaluation."""
    on_replay: Callable[[Evaluation], None] = lambda evaluation: None
    """Called for each evaluation in the checkpoint that the run resumes from."""
    on_evaluation: Callable[[Evaluation], None] = lambda evaluation: None
    on_step: Callable[[int, int], None] = lambda examples_seen, total: None


def run_finetuning(
    composed: Composed,
    *,
    objective: Objective,
    record: Callable[[Setup], AbstractContextManager[RunLog]],
    watch: Watch,
    checkpoints: Checkpointing | None = None,
    resume: Path | None = None,
    ledger: TimeLedger,
    one_of_many: bool = False,
    teacher: Teacher | None = None,
    followers: Followers | None = None,
) -> Trained:
    """One fine-tuning run, tracked. A config that cannot work raises before any run is created.

    one_of_many: whether similar trials can reuse its activation cache. teacher: what the study has
    recorded of the config's teacher; it is read now unless given. followers: the other ranks that
    train it with this process; None trains on one device.
    """
    if followers is not None:
        followers.prepare(order_of(composed, objective, resume))
    with ledger.on("loading"):
        dataset = load_dataset(composed.config.dataset)
        composed, teacher = with_teacher(composed, dataset, teacher)
    config = composed.config
    watch.on_stage()
    with ledger.on("loading"):  # first: fail on the model's limits before tokenizing
        model, tokenizer, parameters = model_of(dataset, config)
    watch.on_stage()
    with ledger.on("tokenizing"):
        tokens = tokens_of(dataset, tokenizer, config)
    watch.on_stage()
    logits = None
    if teacher is not None:
        with ledger.on("caching"):
            logits = teacher_logits(teacher, dataset, config, on_batch=watch.on_stage)
    watch.on_stage()
    activation_cache, plan = plan_activations(
        model,
        tokens,
        config.training,
        root=Path(config.storage.cache),
        cache_gb=config.storage.cache_gb,
        shared=one_of_many,
        n_devices=1 if followers is None else followers.size,
    )
    setup = Setup(composed, dataset, tokens, model, parameters, plan, teacher)
    with record(setup) as run:
        for evaluation in saved_evaluations(resume) if resume else ():
            run.log_evaluation(evaluation)
            watch.on_replay(evaluation)

        def log_evaluation(evaluation: Evaluation) -> None:
            with ledger.on("logging"):
                run.log_evaluation(evaluation)
                watch.on_evaluation(evaluation)

        with (
            training_ranks(followers, watch.on_stage, ledger) as ranks,
            system_metrics(run, config.tracking, lambda: ledger.n_examples),
        ):
            result = fit(
                model,
                tokens,
                config.training,
                objective=objective,
                on_evaluation=log_evaluation,
                on_step=watch.on_step,
                on_batch=watch.on_stage,
                checkpoints=checkpoints,
                resume=resume,
                activation_cache=activation_cache,
                teacher_logits=logits,
                ledger=ledger,
                ranks=ranks,
            )
        merge_adapters(model)
        with ledger.on("logging"):
            log_result(run, setup, result, objective=objective)
        # Only `train` evaluates the test split here, and its runs are written directly.
        test = None
        if config.evaluate_test and isinstance(run, Run):
            test = evaluate_on_test(run, setup, result.validation)
    return Trained(setup, result, test)
