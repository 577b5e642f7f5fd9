"""TF-IDF with logistic regression on texts that words tell apart, and at its edges."""

from __future__ import annotations

import datasets
import numpy as np

from finesweep.records import TextDataset
from finesweep.training import fit_baseline, measure

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
        measured = measure(predictions, split)  # type: ignore[arg-type]
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


def test_it_says_the_same_each_time() -> None:
    first, second = (fit_baseline(dataset([0, 1, 2] * 30)) for _ in range(2))
    np.testing.assert_array_equal(first.test.logits, second.test.logits)
