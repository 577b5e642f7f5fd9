"""Real trainings of a tiny BERT: what is evaluated when, which weights win, what ends a run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn
from transformers import PreTrainedModel

from finesweep.config import ModelConfig, TrainingConfig
from finesweep.errors import ConfigError, FinesweepError, NonFiniteError
from finesweep.model import freeze_layers, load_model
from finesweep.records import Evaluation, Objective, Predictions, Tokens, TrainingResult
from finesweep.training import (
    compute_metrics,
    fit,
    majority_accuracy,
    metric_names,
    predict,
)
from finesweep.training.fit import pruning_sample
from finesweep.training.trainer import ResumableTrainer

pytestmark = pytest.mark.slow  # real trainings

LOSS = "validation/loss"
LOWEST_LOSS = Objective(LOSS, "minimize")
STEADY = {"learning_rate": 1e-12}  # too little to change what is predicted


@dataclass
class Training:
    """One model, and the calls during its training."""

    tokens: Tokens
    model: PreTrainedModel
    events: list[tuple[str, int]] = field(default_factory=list)
    """("step", examples seen) and ("evaluation", nominal step), in order."""
    react: Callable[[Evaluation], None] = lambda evaluation: None
    react_to_step: Callable[[int], None] = lambda seen: None

    def run(
        self,
        objective: Objective = LOWEST_LOSS,
        **fields: Any,
    ) -> TrainingResult:
        given = {"batch_size": 12, "epochs": 1, "learning_rate": 5e-3, "evaluations_per_epoch": 4}
        return fit(
            self.model,
            self.tokens,
            TrainingConfig(**(given | fields)),
            objective=objective,
            on_evaluation=self._evaluated,
            on_step=self._stepped,
        )

    def of(self, kind: str) -> list[int]:
        return [step for name, step in self.events if name == kind]

    def _evaluated(self, evaluation: Evaluation) -> None:
        self.events.append(("evaluation", evaluation.step))
        self.react(evaluation)

    def _stepped(self, seen: int, total: int) -> None:
        self.events.append(("step", seen))
        self.react_to_step(seen)


@pytest.fixture
def begin(tiny_bert: Path, tokens: Tokens) -> Callable[..., Training]:
    def begun(*, dropout: bool = True, **fields: Any) -> Training:
        config = ModelConfig(name_or_path=str(tiny_bert))
        model = load_model(config, label_names=("bad", "good", "plain"), seed=1)
        for module in model.modules():
            if isinstance(module, nn.Dropout) and not dropout:
                module.p = 0.0
        return Training(**({"tokens": tokens} | fields), model=model)

    return begun


Begin = Callable[..., Training]


def losses(result: TrainingResult) -> list[float]:
    return [evaluation.metrics[LOSS] for evaluation in result.evaluations]


def test_a_tiny_bert_learns_more_than_the_commonest_class(
    begin: Begin, more_tokens: Tokens
) -> None:
    result = begin(tokens=more_tokens).run(epochs=3, learning_rate=1e-2, evaluations_per_epoch=1)
    baseline = majority_accuracy(more_tokens.train["labels"], more_tokens.validation["labels"])
    assert baseline == pytest.approx(1 / 3)
    assert result.best.metrics["validation/accuracy"] > baseline + 0.2
    assert result.best.metrics[LOSS] < 0.9 < np.log(3) - 0.1
    assert result.best.metrics["train/loss"] < result.evaluations[0].metrics["train/loss"]


@pytest.mark.parametrize(
    ("batch_size", "accumulation", "examples_at"),
    [
        (12, 1, [24, 48, 72, 96, 120, 144, 168, 192]),
        (10, 1, [30, 50, 80, 96, 126, 146, 176, 192]),
        (5, 2, [30, 50, 80, 96, 126, 146, 176, 192]),
    ],
)
def test_evaluations_come_at_nominal_steps_whatever_the_batch(
    begin: Begin, batch_size: int, accumulation: int, examples_at: list[int]
) -> None:
    training = begin()
    result = training.run(
        epochs=2, batch_size=batch_size, gradient_accumulation_steps=accumulation, **STEADY
    )
    nominal = [24 * k for k in range(1, 9)]
    assert training.of("evaluation") == [e.step for e in result.evaluations] == nominal
    assert [e.epoch for e in result.evaluations] == [k / 4 for k in range(1, 9)]
    events = training.events
    before = [events[i - 1] for i, (kind, _) in enumerate(events) if kind == "evaluation"]
    assert before == [("step", seen) for seen in examples_at]
    assert training.of("step")[-1] == 2 * 96
    assert not result.stopped_early


def test_a_batch_that_passes_several_due_steps_is_evaluated_once_for_all_of_them(
    begin: Begin,
) -> None:
    training = begin()
    result = training.run(epochs=2, batch_size=200)
    assert training.of("step") == [96, 192]
    assert [e.step for e in result.evaluations] == [24 * k for k in range(1, 9)]
    assert len(set(losses(result)[:4])) == len(set(losses(result)[4:])) == 1
    assert losses(result)[0] != losses(result)[4]


def test_a_run_of_a_single_step_learns(begin: Begin) -> None:
    training = begin()
    before = training.model.classifier.weight.detach().clone()
    training.run(batch_size=200, warmup_ratio=0.1)
    assert training.of("step") == [96]
    moved = (training.model.classifier.weight - before).abs().max().item()
    assert moved == pytest.approx(5e-3, rel=0.05)  # AdamW's first step is the rate, for all


def test_an_evaluation_measures_everything_that_is_promised(begin: Begin) -> None:
    result = begin().run(evaluations_per_epoch=1, **STEADY)
    metrics = result.evaluations[0].metrics
    assert sorted(metrics) == sorted(
        ["train/loss", "train/padding_fraction", *metric_names("validation")]
    )
    assert metrics["train/loss"] == pytest.approx(np.log(3), abs=0.05)


def test_the_train_loss_is_the_mean_since_the_last_evaluation(begin: Begin) -> None:
    whole = begin(dropout=False).run(evaluations_per_epoch=1, **STEADY)
    halves = begin(dropout=False).run(evaluations_per_epoch=2, **STEADY)
    means = [evaluation.metrics["train/loss"] for evaluation in halves.evaluations]
    assert means[0] != means[1]
    assert np.mean(means) == pytest.approx(whole.best.metrics["train/loss"], rel=1e-5)


def assert_best_is_kept(training: Training, result: TrainingResult) -> None:
    """The model predicts exactly what it did at the best evaluation."""
    tokens = training.tokens
    again = predict(training.model, tokens.validation, tokens, TrainingConfig())
    np.testing.assert_array_equal(again.logits, result.validation.logits)
    np.testing.assert_array_equal(again.labels, tokens.validation["labels"][:])
    assert compute_metrics(again, "validation")[LOSS] == result.best.metrics[LOSS]


@pytest.mark.parametrize("depth", [0, 2])
def test_the_model_ends_with_the_best_weights_though_later_ones_were_worse(
    begin: Begin, depth: int
) -> None:
    training = begin()
    freeze_layers(training.model, depth)

    def spoil(evaluation: Evaluation) -> None:
        with torch.no_grad():
            training.model.classifier.bias[0] += 3.0

    training.react = spoil
    result = training.run(learning_rate=1e-4)
    assert losses(result) == sorted(losses(result))
    assert losses(result)[-1] > losses(result)[0] + 1
    assert result.best == result.evaluations[0]
    assert_best_is_kept(training, result)


def test_the_last_weights_stay_when_they_are_the_best(begin: Begin) -> None:
    training = begin()

    def improve(evaluation: Evaluation) -> None:
        with torch.no_grad():
            training.model.classifier.bias[0] -= 3.0

    with torch.no_grad():
        training.model.classifier.bias[0] = 12.0
    training.react = improve
    result = training.run(learning_rate=1e-4)
    assert result.best == result.evaluations[-1]
    assert_best_is_kept(training, result)


def test_what_is_maximised_is_kept_at_its_highest(begin: Begin) -> None:
    training = begin()

    def worsen_then_mend(evaluation: Evaluation) -> None:
        with torch.no_grad():
            training.model.classifier.bias[0] += 6.0 if evaluation.step == 24 else -2.0

    training.react = worsen_then_mend
    result = training.run(Objective(LOSS, "maximize"), learning_rate=1e-4)
    assert result.best.step == 48
    assert result.best.metrics[LOSS] == max(losses(result))
    assert_best_is_kept(training, result)


def test_of_equal_evaluations_the_first_is_the_best(begin: Begin) -> None:
    result = begin().run(Objective("validation/accuracy", "maximize"), **STEADY)
    assert len({e.metrics["validation/accuracy"] for e in result.evaluations}) == 1
    assert result.best == result.evaluations[0]


@pytest.mark.parametrize(("patience", "last"), [(1, 48), (2, 72), (3, 96), (None, 192)])
def test_training_stops_after_patience_evaluations_without_gain(
    begin: Begin, patience: int | None, last: int
) -> None:
    training = begin()
    result = training.run(
        Objective("validation/accuracy", "maximize"),
        epochs=2,
        early_stopping_patience=patience,
        **STEADY,
    )
    assert training.of("evaluation")[-1] == training.of("step")[-1] == last
    assert result.stopped_early == (patience is not None)
    assert result.best.step == 24


def test_a_gain_starts_patience_anew(begin: Begin) -> None:
    training = begin()

    def shift(evaluation: Evaluation) -> None:
        # Worse, better than ever, worse, worse again.
        shifts = {24: 3.0, 48: -4.5, 72: 3.0, 96: 1.0}
        with torch.no_grad():
            training.model.classifier.bias[0] += shifts.get(evaluation.step, 0.0)

    with torch.no_grad():
        training.model.classifier.bias[0] = 1.5
    training.react = shift
    result = training.run(epochs=2, early_stopping_patience=2, learning_rate=1e-6)
    assert result.best.step == 72
    assert [e.step for e in result.evaluations] == [24, 48, 72, 96, 120]
    assert result.stopped_early


def test_one_evaluation_for_several_due_steps_counts_once_for_patience(begin: Begin) -> None:
    training = begin()

    def improve(evaluation: Evaluation) -> None:
        with torch.no_grad():
            training.model.classifier.bias[0] -= 1.0

    with torch.no_grad():
        training.model.classifier.bias[0] = 12.0
    training.react = improve
    result = training.run(batch_size=48, early_stopping_patience=1, learning_rate=1e-6)
    assert losses(result)[2] < losses(result)[1]
    assert training.of("step") == [48, 96]
    assert not result.stopped_early


def test_several_due_steps_cannot_jump_over_patience(begin: Begin) -> None:
    training = begin()
    result = training.run(
        Objective("validation/accuracy", "maximize"),
        epochs=4,
        batch_size=200,
        early_stopping_patience=2,
        **STEADY,
    )
    assert result.stopped_early
    assert training.of("step")[-1] < 4 * 96


def test_what_on_evaluation_raises_ends_the_run_there(begin: Begin) -> None:
    class PrunedError(Exception):
        pass

    raised = PrunedError("at 48")

    def prune(evaluation: Evaluation) -> None:
        if evaluation.step == 48:
            raise raised

    training, n_batches = begin(react=prune), 0

    def count(*_: Any) -> None:
        nonlocal n_batches
        n_batches += training.model.training

    training.model.classifier.register_forward_hook(count)
    with pytest.raises(PrunedError, match=r"^at 48$") as caught:
        training.run()
    assert caught.value is raised
    assert n_batches == 48 / 12
    assert training.of("evaluation") == [24, 48]
    assert training.of("step")[-1] == 48 < 96


@pytest.mark.parametrize("raised", [RuntimeError("no more steps"), KeyboardInterrupt("^C")])
def test_what_on_step_raises_ends_the_run_at_that_step(begin: Begin, raised: BaseException) -> None:
    def stop(seen: int) -> None:
        if seen == 24:
            raise raised

    training = begin(react_to_step=stop)
    with pytest.raises(type(raised), match=re.escape(str(raised))) as caught:
        training.run()
    assert caught.value is raised
    assert training.events == [("step", 12), ("step", 24)]


def test_a_seed_repeats_itself_bit_by_bit_and_another_differs(begin: Begin) -> None:
    runs = [begin().run(seed=seed) for seed in (7, 7, 8)]
    assert runs[0].evaluations == runs[1].evaluations
    np.testing.assert_array_equal(runs[0].validation.logits, runs[1].validation.logits)
    assert losses(runs[0]) != losses(runs[2])


@pytest.mark.parametrize(
    ("poisoned_at", "message"),
    [
        (12, r"^the training loss became nan in optimizer step 2$"),
        (24, r"^the logits of 24 rows are not finite$"),
    ],
)
def test_poisoned_weights_end_the_run_with_the_reason(
    begin: Begin, poisoned_at: int, message: str
) -> None:
    training = begin()

    def poison(seen: int) -> None:
        if seen == poisoned_at:
            training.model.classifier.weight.data[0, 0] = float("nan")

    training.react_to_step = poison
    with pytest.raises(NonFiniteError, match=message):
        training.run()
    assert training.of("step")[-1] == poisoned_at
    assert training.of("evaluation") == []


def test_a_run_that_was_good_before_it_broke_is_no_result(begin: Begin) -> None:
    training = begin()

    def poison(seen: int) -> None:
        if seen == 60:
            training.model.classifier.weight.data[0, 0] = float("nan")

    training.react_to_step = poison
    with pytest.raises(NonFiniteError, match=r"^the training loss became nan in optimizer step 6$"):
        training.run()
    assert training.of("evaluation") == [24, 48]


@pytest.mark.parametrize(("poisoned_after", "ends_in"), [(1, 16), (15, 16), (16, 32), (30, 32)])
def test_a_loss_that_is_not_finite_ends_the_run_within_sixteen_steps(
    begin: Begin, poisoned_after: int, ends_in: int
) -> None:
    training = begin()

    def poison(seen: int) -> None:
        if seen == 2 * poisoned_after:
            training.model.classifier.weight.data[0, 0] = float("nan")

    training.react_to_step = poison
    first = poisoned_after + 1
    with pytest.raises(NonFiniteError, match=rf" became nan in optimizer step {first}$"):
        training.run(batch_size=2, evaluations_per_epoch=1)
    assert training.of("step") == [2 * step for step in range(1, ends_in)]


def test_an_exploding_learning_rate_ends_the_run(begin: Begin) -> None:
    training = begin()
    with pytest.raises(
        NonFiniteError, match=r"^the training loss became (nan|inf) in optimizer step 2$"
    ):
        training.run(learning_rate=1e30, warmup_ratio=0.0)
    assert len(training.of("step")) <= 2


def test_the_validation_loss_ignores_weights_and_smoothing_of_the_training_loss(
    begin: Begin, tokens: Tokens
) -> None:
    labels = np.array(tokens.train["labels"])
    kept = np.flatnonzero((labels == 0) | (np.arange(len(labels)) % 8 == 0))
    uneven = replace(tokens, train=tokens.train.select(kept))
    plain, other = (
        begin(tokens=uneven).run(evaluations_per_epoch=1, **STEADY, **fields)
        for fields in ({}, {"class_weights": "balanced", "label_smoothing": 0.5})
    )
    assert other.best.metrics[LOSS] == pytest.approx(plain.best.metrics[LOSS], abs=1e-7)
    assert other.best.metrics["train/loss"] != plain.best.metrics["train/loss"]
    recomputed = torch.nn.functional.cross_entropy(
        torch.from_numpy(other.validation.logits), torch.from_numpy(other.validation.labels)
    )
    assert other.best.metrics[LOSS] == pytest.approx(recomputed.item(), rel=1e-6)


def test_balanced_weights_take_part_in_training(begin: Begin, tokens: Tokens) -> None:
    labels = np.array(tokens.train["labels"])
    kept = np.flatnonzero((labels == 0) | (np.arange(len(labels)) % 8 == 0))
    uneven = replace(tokens, train=tokens.train.select(kept))
    shares = [
        softmax(begin(tokens=uneven).run(class_weights=weights).validation.logits, axis=1)[
            :, 0
        ].mean()
        for weights in ("none", "balanced")
    ]
    assert shares[0] > shares[1]


def test_a_class_that_train_lacks_cannot_be_balanced(begin: Begin, tokens: Tokens) -> None:
    kept = np.flatnonzero(np.array(tokens.train["labels"]) != 1)
    lacking = replace(tokens, train=tokens.train.select(kept))
    message = r"^training\.class_weights: class 1 has no training row to balance$"
    with pytest.raises(ConfigError, match=message):
        begin(tokens=lacking).run(class_weights="balanced")


def test_accumulated_micro_batches_train_as_one_batch_does(begin: Begin) -> None:
    whole, parts = (
        losses(
            begin(dropout=False).run(
                batch_size=size, gradient_accumulation_steps=n, precision="fp32"
            )
        )
        for size, n in ((20, 1), (5, 4))
    )
    assert parts == pytest.approx(whole, abs=1e-4)
    assert len(set(whole)) == 4


def test_predictions_keep_the_order_of_the_split(begin: Begin, tokens: Tokens) -> None:
    model = begin().model
    forward = predict(model, tokens.test, tokens, TrainingConfig())
    backward = predict(model, tokens.test.select(range(24)[::-1]), tokens, TrainingConfig())
    assert forward.logits.shape == (24, 3)
    assert forward.logits.dtype == np.float32
    np.testing.assert_array_equal(forward.labels, tokens.test["labels"][:])
    np.testing.assert_allclose(forward.logits, backward.logits[::-1], atol=1e-6)


def test_a_small_evaluation_batch_measures_the_same(begin: Begin) -> None:
    one, many = (begin().run(**STEADY, evaluation_batch_size=size) for size in (7, 64))
    assert losses(one) == pytest.approx(losses(many), abs=1e-6)


@pytest.mark.skipif(torch.cuda.is_available(), reason="what a machine without a GPU answers")
class TestWithoutGpu:
    def test_fp16_is_refused(self, begin: Begin) -> None:
        message = r"^training\.precision: fp16 needs a GPU; use auto, bf16 or fp32$"
        training = begin()
        with pytest.raises(ConfigError, match=message):
            training.run(precision="fp16")
        assert training.events == []

    def test_bf16_runs(self, begin: Begin) -> None:
        result = begin().run(precision="bf16", **STEADY)
        assert losses(result)[-1] == pytest.approx(np.log(3), abs=0.05)
        assert result.validation.logits.dtype == np.float32


def test_an_objective_that_validation_cannot_measure_is_explained(
    begin: Begin, tokens: Tokens
) -> None:
    one_class = tokens.validation.filter(lambda row: row["labels"] == 0)
    unmeasurable = replace(tokens, validation=one_class)
    training = begin(tokens=unmeasurable)
    with pytest.raises(FinesweepError, match=r"validation/roc_auc"):
        training.run(Objective("validation/roc_auc", "maximize"))


def test_a_run_leaves_no_file_and_prints_nothing(
    begin: Begin,
    workplace: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    training = begin()
    capsys.readouterr()
    training.run(**STEADY)
    tokens = training.tokens
    predict(training.model, tokens.test, tokens, TrainingConfig())
    assert capsys.readouterr().out == ""
    assert list(workplace.iterdir()) == []
    assert list(scratch.iterdir()) == []


def test_within_an_epoch_only_the_sample_is_evaluated_and_its_end_takes_all(
    begin: Begin, tokens: Tokens
) -> None:
    training = begin()
    result = training.run(epochs=2, evaluations_per_epoch=3, pruning_rows=9)
    names = [LOSS in evaluation.metrics for evaluation in result.evaluations]
    assert names == [False, False, True] * 2
    pruning = [evaluation.metrics[LOWEST_LOSS.for_pruning] for evaluation in result.evaluations]
    assert LOWEST_LOSS.for_pruning == "validation/pruning_loss"
    seen = [LOWEST_LOSS.seen_by_pruner(evaluation) for evaluation in result.evaluations]
    assert seen == pruning
    assert result.best.step in (96, 192)
    assert len(result.validation.labels) == len(tokens.validation)
    rows = pruning_sample(tokens, 9)
    assert rows is not None
    sampled = Predictions(result.validation.logits[rows], result.validation.labels[rows])
    measured = compute_metrics(sampled, "validation")[LOSS]
    assert result.best.metrics[LOWEST_LOSS.for_pruning] == pytest.approx(measured)


def test_a_sample_changes_nothing_in_what_is_trained(begin: Begin) -> None:
    whole = begin().run(epochs=2, evaluations_per_epoch=3)
    sampled = begin().run(epochs=2, evaluations_per_epoch=3, pruning_rows=9)
    ends = [evaluation.metrics[LOSS] for evaluation in whole.evaluations[2::3]]
    assert [e.metrics[LOSS] for e in sampled.evaluations[2::3]] == ends


def test_patience_counts_whole_evaluations(begin: Begin) -> None:
    result = begin().run(
        **STEADY, epochs=6, evaluations_per_epoch=3, pruning_rows=9, early_stopping_patience=2
    )
    assert result.stopped_early
    assert len(result.evaluations) == 9


@pytest.mark.parametrize("n_rows", [None, 24, 1000])
def test_a_small_split_is_evaluated_whole(tokens: Tokens, n_rows: int | None) -> None:
    assert pruning_sample(tokens, n_rows) is None


def test_the_sample_is_stratified_and_always_the_same(tokens: Tokens) -> None:
    rows = pruning_sample(tokens, 9)
    assert rows is not None
    assert np.bincount(np.array(tokens.validation["labels"])[rows]).tolist() == [3, 3, 3]
    np.testing.assert_array_equal(rows, pruning_sample(tokens, 9))


def test_the_share_of_padding_is_measured(begin: Begin, tokens: Tokens) -> None:
    few = replace(tokens, train=tokens.train.select(range(12)))
    result = begin(tokens=few).run(epochs=1, batch_size=1, evaluations_per_epoch=1)
    assert result.best.metrics["train/padding_fraction"] == 0
    mixed = begin().run(epochs=1, batch_size=48, evaluations_per_epoch=1)
    assert 0 < mixed.best.metrics["train/padding_fraction"] < 0.5


def test_frozen_layers_have_no_gradients_and_no_place_in_the_optimizer(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, held = begin(), []
    create = ResumableTrainer.create_optimizer

    def watched(self: ResumableTrainer, *given: Any) -> Any:
        optimizer = create(self, *given)
        held.extend(p for group in optimizer.param_groups for p in group["params"])
        return optimizer

    monkeypatch.setattr(ResumableTrainer, "create_optimizer", watched)
    freeze_layers(training.model, 2)
    training.run()
    frozen = [p for p in training.model.parameters() if not p.requires_grad]
    assert frozen
    assert all(p.grad is None for p in frozen)
    assert not {id(p) for p in frozen} & {id(p) for p in held}
