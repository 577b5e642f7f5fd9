"""TF-IDF with logistic regression on texts separable by words, and edge cases."""

from __future__ import annotations

import random
from dataclasses import replace

import datasets
import numpy as np
import pytest

from finesweep.records import TextDataset
from finesweep.training import compute_metrics, fit_baseline
from finesweep.training.baseline import kinds_of

WORDS = ("awful", "great", "table")


def made(n: int, labels: list[int]) -> datasets.Dataset:
    texts = [f"{WORDS[label]} day {k}" for k, label in enumerate(labels)]
    return datasets.Dataset.from_dict({"text": texts[:n], "label": labels[:n]})


def dataset(train: list[int], names: tuple[str, ...] = ("bad", "good", "plain")) -> TextDataset:
    rest = [0, 1, 2] * 10
    return TextDataset(
        name="words",
        train=made(len(train), train),
        validation=made(30, rest),
        test=made(30, rest[::-1]),
        label_names=names,
        fingerprint="f",
        test_fingerprint="t",
        notes=(),
    )


def test_words_that_tell_classes_apart_are_learned() -> None:
    baseline = fit_baseline(dataset([0, 1, 2] * 30))
    for split, predictions in (("validation", baseline.validation), ("test", baseline.test)):
        measured = compute_metrics(predictions, split)  # type: ignore[arg-type]
        assert measured[f"{split}/accuracy"] == 1.0
        assert 0 < measured[f"{split}/loss"] < 0.6
    assert baseline.test.labels[:3].tolist() == [2, 1, 0]
    assert 0 < baseline.seconds < 30


def test_its_logits_are_log_probabilities_of_all_classes() -> None:
    baseline = fit_baseline(dataset([0, 1, 2] * 30))
    assert baseline.test.logits.shape == (30, 3)
    np.testing.assert_allclose(np.exp(baseline.test.logits).sum(axis=1), 1, rtol=1e-5)


def test_a_class_that_train_lacks_is_never_answered() -> None:
    baseline = fit_baseline(dataset([0, 1] * 30))
    assert set(baseline.test.logits.argmax(axis=1)) == {0, 1}
    assert np.isfinite(baseline.test.logits).all()


CHARACTERS = {
    "chinese": ("好坏", "雨左云月日明火天少多人大山今风星小右手足水电金下口上土木雷雪"),
    "thai": ("ดแ", "กขคงจฉชซญฎฏฐฑฒณ"),
    "emoji": ("😀😡", "🎉🔥🚗🍕⚽🎧📚🌙⭐🍎"),
    "operators": ("+-", "*/<>=^%&|~"),
    "without-blanks": ("kz", "abcdefghij"),
}


def unspaced(kind: str) -> TextDataset:
    """Each text has one character of its class among seven others, and no spaces."""
    signs, others = CHARACTERS[kind]
    drawn = random.Random(1)

    def rows(n: int) -> datasets.Dataset:
        labels = [k % 2 for k in range(n)]
        texts = ["".join(drawn.sample([signs[k], *drawn.choices(others, k=7)], 8)) for k in labels]
        return datasets.Dataset.from_dict({"text": texts, "label": labels})

    return replace(
        dataset([0, 1], ("bad", "good")), train=rows(120), validation=rows(60), test=rows(60)
    )


@pytest.mark.parametrize("kind", CHARACTERS)
def test_texts_whose_words_are_not_set_apart_are_learned_by_their_characters(kind: str) -> None:
    baseline = fit_baseline(unspaced(kind))
    assert "characters" in baseline.kinds
    assert compute_metrics(baseline.test, "test")["test/accuracy"] >= 0.95


def test_words_that_are_set_apart_are_counted_alone() -> None:
    assert fit_baseline(dataset([0, 1, 2] * 30)).kinds == ("words",)
    assert kinds_of(["😀😂", "😂😀"]) == ("characters",)


def test_it_says_the_same_each_time() -> None:
    first, second = (fit_baseline(dataset([0, 1, 2] * 30)) for _ in range(2))
    np.testing.assert_array_equal(first.test.logits, second.test.logits)
