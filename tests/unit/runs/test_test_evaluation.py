"""The test evaluation: counted, with intervals, and with the model's decision rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finesweep.config import TrainingConfig
from finesweep.records import ANSWERING_KEY, Predictions
from finesweep.runs import test_evaluation as module
from finesweep.runs.run_logging import Setup
from finesweep.runs.test_evaluation import evaluate_on_test
from finesweep.runs.test_evaluation import test_intervals as intervals_of
from finesweep.tracking import TrackingStore, start_run
from finesweep.training import predict

pytestmark = pytest.mark.slow


def answers(n_wrong: int, n: int = 24) -> Predictions:
    """N rows of three classes in turn; the first n_wrong are predicted as the next class."""
    labels = np.arange(n) % 3
    said = np.where(np.arange(n) < n_wrong, (labels + 1) % 3, labels)
    return Predictions(4 * np.eye(3, dtype=np.float32)[said], labels)


def test_an_interval_holds_its_score_and_is_the_same_every_time() -> None:
    predictions, names = answers(6), ["a", "b", "c"]
    intervals = intervals_of(predictions, names)
    low, high = intervals["test/accuracy"]
    assert low < 0.75 < high
    assert {"test/loss", "test/f1", "test/f1/a", "test/recall/c", "test/roc_auc"} <= set(intervals)
    assert intervals == intervals_of(predictions, names)
    assert intervals_of(answers(0), names)["test/accuracy"] == (1.0, 1.0)


def test_more_rows_make_narrower_intervals() -> None:
    def width(n: int) -> float:
        low, high = intervals_of(answers(n // 4, n), ["a", "b", "c"])["test/accuracy"]
        return high - low

    assert width(240) < 0.5 * width(24)


@pytest.fixture
def logged_model(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments with which a model would be logged; tests of `log_classifier` log one."""
    found: dict[str, Any] = {}

    def log_classifier(run: object, model: object, tokenizer: object, **settings: Any) -> str:
        found.update(settings, rule=getattr(model.config, ANSWERING_KEY))  # type: ignore[attr-defined]
        return "models:/m-1"

    monkeypatch.setattr(module, "log_classifier", log_classifier)
    return found


def test_a_look_is_counted_and_leaves_scores_intervals_and_the_rule(
    setup: Setup, store: TrackingStore, logged_model: dict[str, Any]
) -> None:
    config: TrainingConfig = setup.composed.config.training
    validation = predict(setup.model, setup.tokens.validation, setup.tokens, config)
    first, second = (start_run(store, name=name) for name in ("first", "second"))
    result = evaluate_on_test(first, setup, validation)
    assert evaluate_on_test(second, setup, validation).look == result.look + 1 == 2
    assert result.model_uri == "models:/m-1"
    assert (logged_model["max_length"], logged_model["pairs"], len(logged_model["examples"])) == (
        16,
        False,
        3,
    )
    assert logged_model["rule"]["temperature"] == pytest.approx(result.decision_rule.temperature)
    found = store.client.get_run(second.run_id)
    assert found.data.tags["finesweep.test_fingerprint"] == setup.dataset.test_fingerprint
    assert found.data.metrics["test/look"] == 2
    assert found.data.metrics["test/accuracy"] == pytest.approx(result.metrics["test/accuracy"])
    assert found.data.metrics["model/bytes"] == sum(
        p.numel() * p.element_size() for p in setup.model.parameters()
    )
    assert {"test/answered_share", "test/calibrated_error", "latency_ms/one_p50"} <= set(
        found.data.metrics
    )
    path = Path(store.client.download_artifacts(second.run_id, "test/intervals.json"))
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept.keys() == result.intervals.keys()
    summary = Path(store.client.download_artifacts(second.run_id, "summary.md"))
    assert "local" in summary.read_text(encoding="utf-8")
