"""What a sweep answers in Python: a table in the leaderboard's order, and its winner."""

from __future__ import annotations

from dataclasses import replace

import pytest

from finesweep.api.sweep_result import leaderboard_table, winner_from
from finesweep.records import Finalist
from finesweep.registry.records import Registered
from finesweep.sweep.status import Row

BEST = Row(
    trial=3,
    slot=1,
    state="COMPLETE",
    value=0.25,
    model="minilm",
    params={"model": "minilm", "training.learning_rate": 0.01},
    seconds=2.0,
    reason=None,
    origin="portfolio",
)
FAILED = replace(
    BEST, trial=0, state="FAIL", value=None, params={}, reason="no memory", origin=None
)
FINALIST = Finalist(
    trial=3,
    run_id="run",
    model_uri="models:/m-1",
    test_metrics={"test/f1": 0.5},
    majority_accuracy=0.4,
    test_rows=8,
    max_length=16,
    test_intervals={"test/f1": [0.4, 0.6]},
)


def test_the_table_has_a_column_for_each_searched_field() -> None:
    table = leaderboard_table([BEST, FAILED])
    assert list(table.columns) == [
        "trial", "state", "value", "model", "training.learning_rate", "seconds", "reason", "origin"
    ]  # fmt: skip
    assert table["trial"].tolist() == [3, 0]
    assert table["value"].isna().tolist() == [False, True]
    assert table["value"].dtype == table["seconds"].dtype == float
    assert table["reason"].isna().tolist() == [True, False]
    assert table["origin"].isna().tolist() == [False, True]


def test_several_objectives_have_a_column_each_and_one_for_the_front() -> None:
    scores = {"validation/loss": 0.25, "model/bytes": 90.0}
    table = leaderboard_table([replace(BEST, objectives=scores, is_on_front=True), FAILED])
    assert list(table.columns)[3:7] == ["model", "model/bytes", "front", "training.learning_rate"]
    assert table["model/bytes"].isna().tolist() == [False, True]
    assert table["front"].tolist() == [True, False]


def test_the_table_of_no_trial_is_empty() -> None:
    assert leaderboard_table([]).shape == (0, 7)


@pytest.mark.parametrize(
    ("model_uri", "version"), [("models:/m-1", "7"), ("models:/m-0", None)], ids=["its", "former"]
)
def test_a_winner_has_the_version_that_was_made_of_its_model(
    model_uri: str, version: str | None
) -> None:
    winner = winner_from(FINALIST, Registered("own", "7", "challenger", model_uri))
    assert winner.version == version
    assert winner.name == (None if version is None else "own")
    assert winner.intervals == {"test/f1": (0.4, 0.6)}
    assert winner_from(FINALIST, None).version is None
