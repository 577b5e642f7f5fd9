"""Learning from a teacher: the loss by hand, real trainings that follow its logits row by row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.unit.training.activation_cache.trainings import PAYING
from tests.unit.training.test_resume import Folders, fingerprint
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from finesweep.config import DistillationConfig, ModelConfig, TrainingConfig
from finesweep.model import freeze_layers, load_model
from finesweep.records import Objective, Tokens, TrainingResult
from finesweep.training import compute_metrics, fit, plan_activations
from finesweep.training.distillation import Distillation, multi_label_soft_loss, soft_loss

THREE = 2 * float(np.log(3))
"""At temperature 2 a logit that is three times as likely as 0."""
DIVERGENCE = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
"""Of (1/2, 1/2) from (3/4, 1/4)."""
STRONG = 6.0


def test_it_is_t_squared_times_the_divergence_at_that_temperature() -> None:
    student, teacher = torch.zeros(2, 2), torch.tensor([[THREE, 0.0], [0.0, THREE]])
    loss = soft_loss(student, teacher, temperature=2.0)
    assert loss.tolist() == pytest.approx([4 * DIVERGENCE] * 2, rel=1e-6)


def test_its_gradient_is_that_of_the_papers_cross_entropy() -> None:
    teacher = torch.tensor([[THREE, 0.0]])
    own, papers = (torch.tensor([[0.3, -0.2]], requires_grad=True) for _ in range(2))
    soft_loss(own, teacher, temperature=2.0).sum().backward()
    targets = torch.tensor([[0.75, 0.25]])
    (4 * cross_entropy(papers / 2, targets)).backward()
    assert own.grad is not None
    torch.testing.assert_close(own.grad, papers.grad)
    assert float(own.grad[0, 0]) == pytest.approx(2 * (1 / (1 + np.exp(-0.25)) - 0.75))


def test_a_label_of_several_is_a_decision_of_its_own() -> None:
    student, teacher = torch.zeros(1, 3), torch.tensor([[THREE, -THREE, 0.0]])
    loss = multi_label_soft_loss(student, teacher, temperature=2.0)
    assert loss.tolist()[0] == pytest.approx([4 * DIVERGENCE, 4 * DIVERGENCE, 0.0], abs=1e-6)


def test_several_labels_have_the_gradient_of_binary_cross_entropy() -> None:
    teacher = torch.tensor([[2.0, -1.0]])
    own, papers = (torch.tensor([[0.5, 3.0]], requires_grad=True) for _ in range(2))
    multi_label_soft_loss(own, teacher, temperature=3.0).sum().backward()
    targets = torch.sigmoid(teacher / 3)
    (9 * binary_cross_entropy_with_logits(papers / 3, targets, reduction="sum")).backward()
    torch.testing.assert_close(own.grad, papers.grad)


@pytest.mark.parametrize("form", [soft_loss, multi_label_soft_loss])
def test_a_student_that_agrees_loses_nothing_however_sure_both_are(form: Any) -> None:
    logits = torch.tensor([[200.0, -200.0, 3.0]])
    assert form(logits, logits, temperature=0.5).sum().item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("multi_label", [False, True])
def test_micro_batches_add_up_to_the_whole_step(multi_label: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    logits, teacher = (torch.randn(6, 3, generator=generator) for _ in range(2))
    config = DistillationConfig(temperature=4.0, weight=0.25)
    distillation = Distillation(teacher.numpy(), config, multi_label=multi_label)
    whole = distillation.mixed(torch.tensor(0.0), logits, teacher)
    n_items = 18 if multi_label else 6
    parts = [
        distillation.mixed(torch.tensor(0.0), logits[rows], teacher[rows], n_items)
        for rows in (slice(4), slice(4, 6))
    ]
    torch.testing.assert_close(sum(parts), whole)


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 5.0), (1.0, 4 * DIVERGENCE)])
def test_the_weight_is_the_teachers_share(weight: float, expected: float) -> None:
    teacher = np.array([[THREE, 0.0]], dtype=np.float32)
    distillation = Distillation(teacher, DistillationConfig(2.0, weight), multi_label=False)
    mixed = distillation.mixed(torch.tensor(5.0), torch.zeros(1, 2), torch.from_numpy(teacher))
    assert mixed.item() == pytest.approx(expected, rel=1e-6)


def test_rows_are_those_of_the_whole_split() -> None:
    logits = np.arange(8, dtype=np.float32).reshape(4, 2)
    distillation = Distillation(logits, DistillationConfig(), multi_label=False)
    found = distillation.logits_of(np.array([3, 0]), torch.device("cpu"))
    assert found.tolist() == [[6, 7], [0, 1]]


TRAINING = TrainingConfig(
    epochs=3,
    batch_size=12,
    learning_rate=1e-2,
    evaluations_per_epoch=1,
    precision="fp32",
    teacher="known",
    distillation=DistillationConfig(temperature=2.0, weight=1.0),
)


def contrary(tokens: Tokens) -> np.ndarray:
    """[N, 3]: a teacher that is sure of the label after each row's own."""
    labels = np.asarray(tokens.train["labels"])
    return STRONG * np.eye(3, dtype=np.float32)[(labels + 1) % 3]


def distilled(
    tokens: Tokens,
    tiny_bert: Path,
    *,
    config: TrainingConfig = TRAINING,
    freeze: int = 0,
    dropout: float | None = None,
    root: Path | None = None,
    **how: Any,
) -> tuple[TrainingResult, str]:
    """The result of a student of the contrary teacher, and a fingerprint of its weights."""
    labels = ("bad", "good", "plain")
    model = load_model(ModelConfig(name_or_path=str(tiny_bert)), label_names=labels, seed=1)
    freeze_layers(model, freeze)
    for module in model.modules():
        if isinstance(module, nn.Dropout) and dropout is not None:
            module.p = dropout
    cache = None
    if root is not None:
        cache, _ = plan_activations(
            model, tokens, config, root=root, cache_gb=1, shared=True, rates=PAYING["disk"]
        )
        assert cache is not None
    result = fit(
        model,
        tokens,
        config,
        objective=Objective(),
        on_evaluation=lambda evaluation: None,
        activation_cache=cache,
        teacher_logits=contrary(tokens),
        **how,
    )
    return result, fingerprint(model)


@pytest.mark.slow
def test_a_student_follows_its_teacher_on_rows_that_neither_has_seen(
    more_tokens: Tokens, tiny_bert: Path
) -> None:
    """Each row must get its own logits, or nothing could be learned."""
    result, _ = distilled(more_tokens, tiny_bert)
    labels = np.asarray(more_tokens.validation["labels"])
    predicted = result.validation.logits.argmax(axis=1)
    # Its best evaluation by the labels is the first, for the more it learns the more it errs.
    assert np.mean(predicted == labels) < 0.4
    last = result.evaluations[-1].metrics
    assert last["validation/loss"] > 2.5  # of a student that is sure of wrong labels
    assert last["train/loss"] < 1.0  # of one that has learned them
    own = compute_metrics(result.validation, "validation")
    assert result.best.metrics["validation/loss"] == own["validation/loss"]


@pytest.mark.slow
def test_it_is_the_same_in_micro_batches_and_above_cached_layers(
    tokens: Tokens, tiny_bert: Path, tmp_path: Path
) -> None:
    half = replace(TRAINING.distillation, weight=0.5)
    whole = replace(TRAINING, epochs=1, distillation=half, class_weights="balanced")
    parts = replace(whole, batch_size=6, gradient_accumulation_steps=2)
    expected, micro, cached = (
        distilled(tokens, tiny_bert, freeze=2, dropout=0.0, **how)[0].best.metrics
        for how in (
            {"config": whole},
            {"config": parts},
            {"config": whole, "root": tmp_path},
        )
    )
    for name in ("train/loss", "validation/loss"):
        assert micro[name] == pytest.approx(expected[name], abs=1e-4)
        assert cached[name] == pytest.approx(expected[name], abs=1e-5)


@pytest.mark.slow
def test_a_resumed_student_equals_one_that_was_not_interrupted(
    tokens: Tokens, tiny_bert: Path, tmp_path: Path
) -> None:
    config = replace(TRAINING, epochs=1, evaluations_per_epoch=2)
    whole, weights = distilled(tokens, tiny_bert, config=config)
    folders = Folders(tmp_path)

    def stop(seen: int, total: int) -> None:
        if seen == 36:
            raise KeyboardInterrupt("here")

    with pytest.raises(KeyboardInterrupt, match="here"):
        distilled(tokens, tiny_bert, config=config, checkpoints=folders, on_step=stop)
    resumed, again = distilled(tokens, tiny_bert, config=config, resume=folders.last)
    assert (resumed.evaluations, again) == (whole.evaluations, weights)


def test_a_teacher_without_its_logits_is_a_mistake(tokens: Tokens, tiny_bert: Path) -> None:
    labels = ("bad", "good", "plain")
    model = load_model(ModelConfig(name_or_path=str(tiny_bert)), label_names=labels, seed=1)
    with pytest.raises(ValueError, match=r"^a teacher and its logits are given together$"):
        fit(model, tokens, TRAINING, objective=Objective(), on_evaluation=lambda evaluation: None)
