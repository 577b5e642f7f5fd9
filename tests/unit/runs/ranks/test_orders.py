"""An order arrives as it was given, and another rank's error keeps what decides about a retry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finesweep.config import Composed, compose
from finesweep.config.recorded import config_in
from finesweep.errors import ConfigError, NonFiniteError, Problem
from finesweep.records import Objective
from finesweep.runs.ranks.orders import error_in, order_in, order_of, plain_failure
from finesweep.sweep.worker.failures import FailureClass, classify


def test_a_config_arrives_whole_with_the_precision_of_rank_0() -> None:
    given = ["dataset=local", "dataset.path=a.csv", "dataset.label_map={1: bad, 2: good}"]
    composed: Composed = compose([*given, "training.learning_rate=0.00012345678901234567"])
    order = order_of(composed, Objective("validation/f1", "maximize"), Path("slot/step-1"))
    arrived = order_in(json.loads(json.dumps(order.plain())))
    assert arrived == order
    config = config_in(arrived.config)
    assert config.dataset.label_map == {1: "bad", 2: "good"}
    assert config.training.learning_rate == 0.00012345678901234567
    assert config.training.precision != "auto"
    config.training.precision = "auto"
    assert config == composed.config


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (ValueError("no luck"), "trial", "rank 1: ValueError: no luck"),
        (NonFiniteError("NaN"), "non_finite", "rank 1: NaN"),
        (MemoryError("all"), "out_of_memory", "MemoryError: rank 1: MemoryError: all"),
        (RuntimeError("CUDA out of memory."), "out_of_memory", None),
        (OSError(28, "full"), "infrastructure", None),
        (ConfigError(Problem("a.b", "bad")), "trial", "a.b: bad"),
    ],
)
def test_another_ranks_error_is_of_the_same_class(
    error: Exception, kind: FailureClass, reason: str | None
) -> None:
    plain = json.loads(json.dumps(plain_failure(error)))
    failure = classify(error_in(plain, rank=1))
    assert failure.kind == kind
    assert reason in (None, failure.reason)


def test_the_other_ranks_traceback_is_kept() -> None:
    try:
        raise ValueError("no luck")
    except ValueError as error:
        (note,) = error_in(plain_failure(error), rank=2).__notes__
    assert note.startswith("on rank 2:\nTraceback")
    assert "test_orders.py" in note
