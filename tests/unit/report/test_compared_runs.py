"""Runs are tested against each other on the same rows, and told apart where rows differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from finesweep.errors import ConfigError
from finesweep.report.compared_runs import compare_runs
from finesweep.runs.recorded import RecordedRun, read_run
from finesweep.tracking import TEST_FINGERPRINT, TrackingStore, start_run
from finesweep.tracking.predictions import write_predictions

pytestmark = pytest.mark.slow

LABELS = np.arange(40) % 2
Make = Callable[..., RecordedRun]


@pytest.fixture(scope="module")
def make(store: TrackingStore, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a run of these data that is wrong on so many rows of both splits; without a number it
    has no scores."""

    def made(n_wrong: int | None, data: str = "d" * 64, **params: str) -> RecordedRun:
        tags = {"finesweep.kind": "trial", "finesweep.data_fingerprint": data}
        tags |= {TEST_FINGERPRINT: "t" * 64, "finesweep.reason": "out of memory"}
        run = start_run(store, name="r", tags=tags, params={"model": "m", **params})
        if n_wrong is None:
            return read_run(store, run.run_id)
        said = np.where(np.arange(40) < n_wrong, 1 - LABELS, LABELS)
        folder = tmp_path_factory.mktemp("files")
        for split in ("validation", "test"):
            run.log_metrics({f"{split}/accuracy": 1 - n_wrong / 40}, step=1)
            (folder / split).mkdir()
            write_predictions(folder / split, LABELS, np.eye(2)[said] * 0.8 + 0.1, ["no", "yes"])
        run.log_folder(folder)
        return read_run(store, run.run_id)

    return made


def test_every_pair_is_tested_and_p_is_adjusted_for_their_number(make: Make) -> None:
    made = compare_runs([make(0), make(8), make(8)])
    pairs = [(test.split, test.first + test.second) for test in made.tests]
    assert pairs == [(s, p) for s in ("validation", "test") for p in ("AB", "AC", "BC")]
    p = 2 * 0.5**8  # eight coins that fall on one side
    assert [test.result.p for test in made.tests[:3]] == pytest.approx([3 * p, 3 * p, 1.0])
    assert (made.settings, made.inputs, made.notes) == ({}, {}, ())


def test_runs_of_other_data_are_tested_only_on_equal_test_rows(make: Make) -> None:
    made = compare_runs([make(0, **{"training.epochs": "1"}), make(2, data="e" * 64)])
    assert [test.split for test in made.tests] == ["test"]
    assert made.settings == {"training.epochs": ("1", None)}
    assert made.inputs == {"data": ("d" * 64, "e" * 64)}
    assert made.notes == (
        "The data differ (A dddddddddddd, B eeeeeeeeeeee), and so may the rows of the scores.",
        "Not in a paired test on validation rows: A and B may have other rows.",
    )


def test_a_run_without_scores_is_told_with_its_reason(make: Make) -> None:
    made = compare_runs([make(0), make(None), make(1)], notes=["First."])
    assert made.notes[:2] == ("First.", "B has no scores: out of memory.")
    accuracies = made.scores["test/accuracy"]
    assert accuracies[1] is None
    assert accuracies[0] is not None
    assert accuracies[0].value == 1.0


def test_runs_that_share_no_score_are_refused(make: Make) -> None:
    message = "compare: no two of them share a score: A has no scores: out of memory."
    with pytest.raises(ConfigError, match=message):
        compare_runs([make(None), make(3)])
