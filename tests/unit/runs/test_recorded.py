"""A run is read back as it was logged."""

from __future__ import annotations

import numpy as np
import pytest

from finesweep.records import Evaluation
from finesweep.runs.recorded import RecordedRun, read_run
from finesweep.tracking import TEST_FINGERPRINT, TrackingStore, start_run
from finesweep.tracking.predictions import write_predictions

pytestmark = pytest.mark.slow

LABELS = np.arange(40) % 2


@pytest.fixture(scope="module")
def run(store: TrackingStore, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """A run whose first of two evaluations was the best, with predictions for validation."""
    tags = {"finesweep.kind": "train", "finesweep.threads": 3, "finesweep.data_fingerprint": "d"}
    params = {"model": "tiny", "training.epochs": 2, "tracking.uri": "u", "activation_cache": "off"}
    made = start_run(store, name="mine", tags=tags, params=params)
    for step, loss in ((10, 0.25), (20, 0.75)):
        made.log_evaluation(Evaluation(step, step / 20, {"validation/loss": loss}))
    made.log_metrics({"validation/loss": 0.25, "validation/pruning_loss": 0.2}, step=20)
    made.log_metrics({"test/loss": float("nan"), "test/look": 1, "seconds/training": 1}, step=20)
    folder = tmp_path_factory.mktemp("files")
    (folder / "validation").mkdir()
    write_predictions(folder / "validation", LABELS, np.eye(2)[LABELS] * 0.8 + 0.1, ["no", "yes"])
    made.log_folder(folder)
    return read_run(store, made.run_id)


def test_evaluations_are_without_the_best_values_that_were_logged_once_more(
    run: RecordedRun,
) -> None:
    losses = {step: values["validation/loss"] for step, values in run.evaluations.items()}
    assert losses == {10: 0.25, 20: 0.75}


def test_scores_are_those_of_whole_splits_where_defined(run: RecordedRun) -> None:
    assert run.scores == {"validation/loss": 0.25}


def test_settings_are_without_the_places_that_it_was_logged_to(run: RecordedRun) -> None:
    assert run.settings == {"model": "tiny", "training.epochs": "2"}


def test_inputs_have_tags_versions_and_the_cache(run: RecordedRun) -> None:
    inputs = run.inputs
    assert (inputs["data"], inputs["threads"], inputs["activation cache"]) == ("d", "3", "off")
    assert "torch" in inputs
    assert "device" not in inputs


def test_intervals_of_validation_come_from_its_predictions(run: RecordedRun) -> None:
    assert run.intervals("validation")["validation/accuracy"] == (1.0, 1.0)
    assert run.intervals("test") == {}


def test_test_rows_are_the_same_by_either_fingerprint(
    run: RecordedRun, store: TrackingStore
) -> None:
    tags = {"finesweep.data_fingerprint": "e", TEST_FINGERPRINT: "t"}
    other = read_run(store, start_run(store, name="other", tags=tags).run_id)
    assert run.rows("test") == {"d"}
    assert (other.rows("validation"), other.rows("test")) == ({"e"}, {"e", "t"})
