"""Training with several labels for each text: learned, resumed, and beside its baseline."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.unit.training.test_resume import Folders

from finesweep.config import DatasetConfig, ModelConfig, TrainingConfig
from finesweep.dataset import load_dataset, tokenize
from finesweep.dataset.labels.values import labels_of
from finesweep.errors import ConfigError
from finesweep.model import load_model, load_tokenizer
from finesweep.records import Objective, TextDataset, Tokens, TrainingResult
from finesweep.training import compute_metrics, fit, fit_baseline, predict
from finesweep.training.fit import pruning_sample

pytestmark = pytest.mark.slow  # real trainings

WORDS = ("lovely", "awful", "paper")
FILLERS = ("the", "a", "this", "that", "quite", "film", "day")
LOSS = Objective("validation/loss", "minimize")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> TextDataset:
    """Texts that contain their labels' names: every set of three labels equally often."""
    drawn, rows = np.random.default_rng(0), []
    for number in range(360):
        held = list(product((0, 1), repeat=3))[number % 8]
        words = [word for word, holds in zip(WORDS, held, strict=True) if holds]
        words += list(drawn.choice(FILLERS, size=3, replace=False))
        rows.append((" ".join(drawn.permutation(words)) + f" {'very ' * (number // 8)}", *held))
    path = tmp_path_factory.mktemp("several") / "rows.csv"
    pd.DataFrame(rows, columns=["text", *WORDS]).to_csv(path, index=False)
    return load_dataset(DatasetConfig(name="several", path=str(path), label_columns=list(WORDS)))


@pytest.fixture(scope="module")
def tokens(
    dataset: TextDataset, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory
) -> Tokens:
    tokenizer = load_tokenizer(ModelConfig(name_or_path=str(tiny_bert)))
    cache = tmp_path_factory.mktemp("cache")
    return tokenize(dataset, tokenizer, max_length=12, cache=cache)


def trained(
    tokens: Tokens,
    tiny_bert: Path,
    folders: Folders | None = None,
    resume: Path | None = None,
    **fields: object,
) -> TrainingResult:
    settings = {
        "epochs": 6,
        "learning_rate": 2e-3,
        "batch_size": 16,
        "precision": "fp32",
        "evaluations_per_epoch": 1,
    }
    config = TrainingConfig(**{**settings, **fields})  # type: ignore[arg-type]
    model = load_model(ModelConfig(str(tiny_bert)), label_names=WORDS, multi_label=True, seed=1)
    result = fit(
        model,
        tokens,
        config,
        objective=LOSS,
        on_evaluation=lambda _: None,
        checkpoints=folders,
        resume=resume,
    )
    again = predict(model, tokens.validation, tokens, config)
    np.testing.assert_array_equal(again.labels, result.validation.labels)
    np.testing.assert_allclose(again.logits, result.validation.logits, atol=1e-5)
    return result


def test_tokens_carry_the_labels_of_their_rows(dataset: TextDataset, tokens: Tokens) -> None:
    for split in (dataset.train, dataset.validation):
        own = tokens.train if split is dataset.train else tokens.validation
        assert np.array(own["labels"]).tolist() == labels_of(dataset, split["label"]).tolist()


def test_sets_of_labels_are_learned(dataset: TextDataset, tokens: Tokens, tiny_bert: Path) -> None:
    result = trained(tokens, tiny_bert, class_weights="balanced", label_smoothing=0.05)
    expected = labels_of(dataset, dataset.validation["label"])
    np.testing.assert_array_equal(result.validation.labels, expected)
    metrics = result.best.metrics
    assert metrics["validation/accuracy"] > 0.8  # the commonest set has an eighth
    assert metrics["validation/hamming_loss"] < 0.1
    measured = compute_metrics(result.validation, "validation")
    assert measured == {name: metrics[name] for name in measured}


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(
    tokens: Tokens, tiny_bert: Path, tmp_path: Path
) -> None:
    folders = Folders(tmp_path, at=lambda asked: asked in (7, 28))  # a step of each epoch
    whole = trained(tokens, tiny_bert, folders, epochs=2)
    assert [step for step, _ in folders.committed] == [7, 27]
    for _, folder in folders.committed:
        resumed = trained(tokens, tiny_bert, resume=folder, epochs=2)
        assert resumed.evaluations == whole.evaluations
        np.testing.assert_array_equal(resumed.validation.logits, whole.validation.logits)


def test_the_pruners_sample_holds_every_set(tokens: Tokens) -> None:
    rows = pruning_sample(tokens, 16)
    assert rows is not None
    held = np.array(tokens.validation["labels"])[rows].astype(int)
    assert len(rows) == 16
    assert held.sum(axis=0).min() >= 6


def test_a_label_without_a_side_cannot_be_balanced(tokens: Tokens, tiny_bert: Path) -> None:
    held = np.array(tokens.train["labels"])[:, 0] == 1
    some = tokens.train.select(np.flatnonzero(held))
    with pytest.raises(ConfigError, match=r"^training\.class_weights: class 0 has no training row"):
        trained(Tokens(**{**vars(tokens), "train": some}), tiny_bert, class_weights="balanced")


def test_the_baseline_answers_each_label_by_itself(dataset: TextDataset) -> None:
    made = fit_baseline(dataset)
    metrics = compute_metrics(made.test, "test")
    assert metrics["test/accuracy"] > 0.9
    np.testing.assert_array_equal(made.test.labels, labels_of(dataset, dataset.test["label"]))
