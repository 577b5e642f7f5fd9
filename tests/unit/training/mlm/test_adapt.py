"""Real masked-language-model trainings of a tiny BERT."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from finesweep.config import ModelConfig, TrainingConfig
from finesweep.errors import NonFiniteError
from finesweep.model import freeze_layers, load_masked
from finesweep.records import Evaluation, Tokens
from finesweep.training import InputTemplate, adapt, make_chunks
from finesweep.training.mlm.chunks import Chunks
from finesweep.training.mlm.masking import masked_rows
from finesweep.training.mlm.trainer import perplexity

pytestmark = pytest.mark.slow  # real trainings


@pytest.fixture
def chunks(tokens: Tokens) -> tuple[Chunks, Chunks]:
    """About 56 chunks of train, and those of validation."""
    template = InputTemplate(tokens.tokenizer, max_length=16)
    return make_chunks(tokens.train, template), make_chunks(tokens.validation, template)


@pytest.fixture
def adapted(
    tiny_bert: Path, tokens: Tokens, chunks: tuple[Chunks, Chunks]
) -> Callable[..., tuple[Any, tuple[Evaluation, ...]]]:
    """Trains a fresh copy: model and evaluations."""

    def run(freeze: int = 0, on_step: Any = lambda seen, total: None, **fields: Any) -> Any:
        model = load_masked(ModelConfig(name_or_path=str(tiny_bert)), seed=0).model
        freeze_layers(model, freeze)
        given = {"batch_size": 8, "epochs": 2, "learning_rate": 5e-3, "precision": "fp32"}
        evaluations = adapt(
            model,
            tokens.tokenizer,
            TrainingConfig(**(given | fields)),
            train=chunks[0],
            validation=chunks[1],
            masked_share=0.15,
            on_evaluation=lambda evaluation: None,
            on_step=on_step,
        )
        return model, evaluations

    return run


def test_perplexity_falls_and_steps_are_chunks_seen(
    adapted: Callable[..., Any], chunks: tuple[Chunks, Chunks]
) -> None:
    n, seen = len(chunks[0].rows), list[tuple[int, int]]()
    _, evaluations = adapted(evaluations_per_epoch=2, on_step=lambda *step: seen.append(step))
    assert [each.step for each in evaluations] == [0, round(n / 2), n, round(3 * n / 2), 2 * n]
    assert seen[-1] == (2 * n, 2 * n)
    first, last = (each.metrics for each in (evaluations[0], evaluations[-1]))
    assert "train/loss" not in first
    assert last["validation/perplexity"] < first["validation/perplexity"] / 5
    assert last["validation/perplexity"] == pytest.approx(math.exp(last["validation/loss"]))
    assert last["train/loss"] < evaluations[1].metrics["train/loss"]


def test_the_measured_loss_is_the_models_own_over_all_masked_tokens(
    adapted: Callable[..., Any], tokens: Tokens, chunks: tuple[Chunks, Chunks]
) -> None:
    model, evaluations = adapted(epochs=1, evaluation_batch_size=3)
    rows = masked_rows(chunks[1], tokens.tokenizer, share=0.15)
    batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    with torch.no_grad():
        loss = model.eval()(**batch).loss.item()
    assert evaluations[-1].metrics["validation/loss"] == pytest.approx(loss, rel=1e-5)


def test_how_often_it_is_measured_and_in_how_many_batches_moves_no_weight(
    adapted: Callable[..., Any],
) -> None:
    once, often = (adapted(epochs=1, evaluations_per_epoch=n)[0].state_dict() for n in (1, 3))
    assert all(torch.equal(once[name], often[name]) for name in once)


def test_micro_batches_report_the_loss_of_their_step(adapted: Callable[..., Any]) -> None:
    steady = {"epochs": 1, "learning_rate": 1e-12, "evaluations_per_epoch": 1}
    whole = adapted(batch_size=8, **steady)[1][-1].metrics["train/loss"]
    parts = adapted(batch_size=4, gradient_accumulation_steps=2, **steady)[1][-1].metrics
    assert parts["train/loss"] == pytest.approx(whole, rel=0.05)  # other draws of tokens


def test_frozen_layers_stay_as_they_are(tiny_bert: Path, adapted: Callable[..., Any]) -> None:
    start = load_masked(ModelConfig(name_or_path=str(tiny_bert)), seed=0).model.bert
    model, _ = adapted(freeze=2, epochs=1)
    moved = [
        not torch.equal(layer.output.dense.weight, was.output.dense.weight)
        for layer, was in zip(model.bert.encoder.layer, start.encoder.layer, strict=True)
    ]
    assert moved == [False, False, True, True]


def test_a_loss_that_is_not_finite_ends_the_run(adapted: Callable[..., Any]) -> None:
    with pytest.raises(NonFiniteError, match=r"the training loss became (nan|inf)"):
        adapted(learning_rate=1e30)


def test_what_a_callback_raises_ends_the_run(adapted: Callable[..., Any]) -> None:
    def interrupt(seen: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapted(on_step=interrupt)


def test_a_perplexity_that_no_float_holds_is_infinite() -> None:
    assert perplexity(math.log(20)) == pytest.approx(20)
    assert perplexity(1e4) == math.inf
