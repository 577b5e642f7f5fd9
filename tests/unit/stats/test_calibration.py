"""Calibrated probabilities, and the threshold below which a prediction is UNCERTAIN."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import f1_score

from finesweep.records import DecisionRule
from finesweep.stats.calibration import (
    apply_thresholds,
    calibrate,
    calibration_error,
    coverage_curve,
    decision_threshold,
    fit_temperature,
    is_confident,
    label_thresholds,
    uncertain_below,
)

pytestmark = pytest.mark.slow


def drawn_logits(n: int, *, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated logits, made overconfident by a temperature below 1."""
    drawn = np.random.default_rng(0)
    honest = drawn.normal(scale=1.5, size=(n, 3))
    truth = [drawn.choice(3, p=row) for row in softmax(honest, axis=1)]
    return honest / temperature, np.array(truth)


def test_calibration_error_by_hand() -> None:
    """Four rows at 0.9, three of them correct, and one at 0.6 that is wrong."""
    sure = np.array([[0.9, 0.1]] * 4 + [[0.4, 0.6]])
    labels = np.array([0, 0, 0, 1, 0])
    assert calibration_error(sure, labels) == pytest.approx((4 * 0.15 + 1 * 0.6) / 5)
    assert calibration_error(np.eye(2)[[0, 1]], np.array([0, 1])) == 0


@pytest.mark.parametrize("temperature", [0.4, 1.0, 1.6])
def test_the_applied_temperature_is_recovered_and_calibrates(temperature: float) -> None:
    logits, labels = drawn_logits(20_000, temperature=temperature)
    result = fit_temperature(logits, labels)
    assert result == pytest.approx(1 / temperature, rel=0.05)
    assert calibration_error(softmax(logits / result, axis=1), labels) < 0.015
    if temperature < 1:
        assert calibration_error(softmax(logits, axis=1), labels) > 0.05


def test_a_model_without_errors_gains_little_confidence() -> None:
    result = fit_temperature(np.array([[4.0, 0.0], [0.0, 4.0]]), np.array([0, 1]))
    assert result == pytest.approx(0.5, abs=0.01)


def test_coverage_falls_and_ties_are_covered_together() -> None:
    sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.6, 0.4]])
    curve = coverage_curve(sure, np.array([0, 0, 0, 1]))
    assert curve.thresholds.tolist() == [0.6, 0.8, 0.9]
    assert curve.coverage.tolist() == [1.0, 0.75, 0.25]
    assert curve.accuracy.tolist() == pytest.approx([0.5, 2 / 3, 1.0])


def test_above_the_threshold_half_of_the_error_rate_remains() -> None:
    logits, labels = drawn_logits(5000, temperature=1.0)
    sure = softmax(logits, axis=1)
    threshold = uncertain_below(sure, labels)
    right, answered = sure.argmax(axis=1) == labels, sure.max(axis=1) >= threshold
    assert 1 - right[answered].mean() <= 0.5 * (1 - right.mean())
    assert 0.3 < answered.mean() < 0.95
    lower = sure.max(axis=1) >= threshold - 0.05
    assert 1 - right[lower].mean() > 0.5 * (1 - right.mean())


def rare_class(n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Logits [N, 2] of a class that a tenth of the rows have, and the labels drawn from them."""
    drawn = np.random.default_rng(4)
    scores = drawn.normal(-3, 1.5, size=n)
    labels = (drawn.random(n) < expit(scores)).astype(int)
    return np.stack([np.zeros(n), scores], axis=1), labels


def test_a_prediction_is_certain_by_the_probability_of_the_label_that_it_gives() -> None:
    rule = DecisionRule(uncertain_below=0.7, decision_threshold=0.74)
    shares = np.array([[0.27, 0.73], [0.25, 0.75], [0.9, 0.1]])
    assert apply_thresholds(shares, rule).tolist() == [0, 1, 0]
    assert is_confident(shares, rule).tolist() == [False, True, True]


def test_of_two_classes_the_certain_rows_have_half_the_error_rate_of_the_labels_given() -> None:
    logits, labels = rare_class()
    rule = calibrate(logits, labels)
    assert rule.decision_threshold is not None
    assert rule.decision_threshold < 0.45
    shares = softmax(logits / rule.temperature, axis=1)
    wrong, certain = apply_thresholds(shares, rule) != labels, is_confident(shares, rule)
    assert 0.1 < certain.mean() < 1
    assert wrong[certain].mean() <= 0.5 * wrong.mean()
    curve = coverage_curve(shares, labels, rule)
    assert curve.accuracy[0] == pytest.approx(1 - wrong.mean())
    lower = curve.thresholds < rule.uncertain_below
    assert (1 - curve.accuracy[lower] > 0.5 * wrong.mean()).all()


def test_a_model_without_errors_is_never_uncertain() -> None:
    assert uncertain_below(np.array([[0.6, 0.4], [0.1, 0.9]]), np.array([0, 1])) == 0.0


def test_a_model_with_uninformative_confidence_still_has_a_threshold() -> None:
    sure = np.full((40, 2), 0.5)
    assert uncertain_below(sure, np.array([0, 1] * 20)) == 0.5


def test_the_decision_threshold_has_the_best_macro_f1() -> None:
    drawn = np.random.default_rng(2)
    labels = (drawn.uniform(size=400) < 0.1).astype(int)
    positive = np.clip(0.15 + 0.2 * labels + drawn.normal(0, 0.08, 400), 0, 1)
    best = decision_threshold(positive, labels)
    assert 0.2 < best < 0.35
    scores = [
        f1_score(labels, positive >= each, average="macro") for each in np.linspace(0, 1, 201)
    ]
    assert f1_score(labels, positive >= best, average="macro") >= max(scores) - 1e-9


def test_of_tied_thresholds_the_nearest_to_a_half_is_chosen() -> None:
    assert decision_threshold(np.array([0.1, 0.9]), np.array([0, 1])) == 0.5


def several(n_rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose sigmoids are the odds by which labels [N, 3] were drawn."""
    drawn = np.random.default_rng(3)
    honest = drawn.normal(size=(n_rows, 3)) * 2 + (-2.0, 0.0, 1.0)
    return honest, (drawn.random(honest.shape) < expit(honest)).astype(np.int64)


def test_one_temperature_calibrates_all_of_several_labels() -> None:
    honest, labels = several()
    assert fit_temperature(honest * 3, labels) == pytest.approx(3, rel=0.05)
    assert calibration_error(expit(honest), labels) < 0.015
    assert calibration_error(expit(honest * 3), labels) > 0.05


def test_each_label_has_the_threshold_of_its_best_f1() -> None:
    honest, labels = several(300)
    shares = expit(honest)
    thresholds = label_thresholds(shares, labels)
    for c, threshold in enumerate(thresholds):
        result = f1_score(labels[:, c], shares[:, c] >= threshold)
        best = max(f1_score(labels[:, c], shares[:, c] >= each) for each in shares[:, c])
        assert result == pytest.approx(best)
    assert thresholds[0] < 0.5  # the rare label is predicted earlier


def test_a_label_without_rows_keeps_the_half() -> None:
    honest, labels = several(100)
    labels[:, 1] = 0
    assert label_thresholds(expit(honest), labels)[1] == 0.5


def test_several_labels_use_their_thresholds_and_are_uncertain_only_if_configured() -> None:
    honest, labels = several(300)
    fitted = calibrate(honest, labels)
    assert fitted.uncertain_below == 0
    assert fitted.decision_threshold is None
    shares = expit(honest / fitted.temperature)
    assert fitted.label_thresholds == pytest.approx(label_thresholds(shares, labels))
    predicted = apply_thresholds(shares, fitted)
    assert predicted.tolist() == (shares >= fitted.label_thresholds).astype(int).tolist()
    assert is_confident(shares, fitted).all()
    configured = calibrate(honest, labels, min_confidence=0.5)
    chance = np.where(predicted == 1, shares, 1 - shares).prod(axis=1)
    assert is_confident(shares, configured).tolist() == (chance >= 0.5).tolist()
    assert 0 < is_confident(shares, configured).sum() < 300


def test_the_decision_threshold_has_the_best_macro_f1_of_all_candidates() -> None:
    drawn = np.random.default_rng(3)
    for n in (1, 2, 5, 40, 300):
        positive, labels = drawn.random(n).round(2), drawn.integers(0, 2, n)
        values = np.unique(positive)
        candidates = [*(values[1:] + values[:-1]) / 2, 0.5]
        threshold = decision_threshold(positive, labels)
        assert threshold in candidates

        def scored(each: float, positive: np.ndarray = positive, of: np.ndarray = labels) -> float:
            predicted = (positive >= each).astype(int)
            return f1_score(of, predicted, average="macro", labels=[0, 1], zero_division=0)

        best = max(map(scored, candidates))
        assert scored(threshold) == pytest.approx(best)
        equal = [each for each in candidates if scored(each) > best - 1e-12]
        assert abs(threshold - 0.5) == pytest.approx(min(abs(each - 0.5) for each in equal))
