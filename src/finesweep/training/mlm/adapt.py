"""Masked-language-model training: a model and chunks in, evaluations out, one by one."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.config import TrainingConfig
from finesweep.errors import FinesweepError
from finesweep.ledger import TimeLedger
from finesweep.model import quick_dropout
from finesweep.records import Evaluation
from finesweep.training.arguments import run_schedule, trainer_arguments
from finesweep.training.callback import OnEvaluation, OnStep
from finesweep.training.mlm.chunks import Chunks
from finesweep.training.mlm.masking import collator, masked_rows, unmasked_rows
from finesweep.training.mlm.trainer import MaskedTrainer


def adapt(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    config: TrainingConfig,
    *,
    train: Chunks,
    validation: Chunks,
    masked_share: float,
    on_evaluation: OnEvaluation,
    on_step: OnStep = lambda examples_seen, total: None,
    ledger: TimeLedger | None = None,
) -> tuple[Evaluation, ...]:
    """All evaluations, the first before training; model is left with the last one's weights.

    Steps are chunks seen. An exception from a callback ends the run and is raised here;
    NonFiniteError as soon as a loss is not finite.
    """
    ledger = ledger or TimeLedger()
    with ExitStack() as stack:
        arguments = trainer_arguments(config, stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(quick_dropout(model, device=arguments.device))
        stack.enter_context(ledger.on("training"))
        trainer = MaskedTrainer(
            run_schedule(config, len(train.rows)),
            on_evaluation=on_evaluation,
            on_step=on_step,
            ledger=ledger,
            scheduler=config.scheduler,
            layer_decay=config.layer_decay,
            model=model,
            args=arguments,
            data_collator=collator(tokenizer, masked_share),
            train_dataset=unmasked_rows(train),
            eval_dataset=masked_rows(validation, tokenizer, share=masked_share),
        )
        trainer.train()
    state = trainer.state
    # Trainer returns normally also when something else stopped it, such as a signal's handler.
    if state.global_step < state.max_steps:
        raise FinesweepError(f"training ended at step {state.global_step} of {state.max_steps}")
    return tuple(trainer.evaluations)
