"""The baseline has one run below the sweep's own, and is held against the winner row by row."""

from __future__ import annotations

from types import SimpleNamespace

import datasets
import numpy as np
import pytest
from tests.labelled import LABELS, clean

from finesweep.config import DatasetConfig
from finesweep.records import TextDataset
from finesweep.sweep.selection.baseline import compare_with_baseline
from finesweep.tracking import PARENT, TrackingStore, find_runs, start_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset() -> TextDataset:
    """60 rows in each split, which two words tell apart."""
    train, validation, test = (
        datasets.Dataset.from_dict(
            dict(zip(("text", "label"), zip(*rows, strict=True), strict=True))
        )
        for rows in clean().values()
    )
    return TextDataset("clean", train, validation, test, LABELS, "f" * 64, "t" * 64, notes=())


def setup_of(dataset: TextDataset) -> SimpleNamespace:
    """What the comparison reads of a Setup."""
    config = SimpleNamespace(dataset=DatasetConfig(name="clean", path="clean.csv"))
    return SimpleNamespace(dataset=dataset, composed=SimpleNamespace(config=config))


def test_the_winner_is_held_against_it_row_by_row(
    store: TrackingStore, dataset: TextDataset
) -> None:
    parent, setup = start_run(store, name="sweep"), setup_of(dataset)
    right = np.arange(60) >= 12
    result = compare_with_baseline(parent, setup, right, sweep="own")  # type: ignore[arg-type]
    assert result.test_metrics["test/accuracy"] == 1.0
    assert (result.n_gained, result.n_lost, result.kinds) == (0, 12, ("words",))
    assert result.p == 1.0
    found = store.client.get_run(result.run_id)
    assert (found.info.status, found.data.tags[PARENT]) == ("FINISHED", parent.run_id)
    assert found.data.tags["finesweep.kind"] == "baseline"
    assert found.data.params == {"baseline.ngrams": "words"}
    (data,) = found.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.source) == ("clean", "clean.csv")
    assert found.data.metrics["validation/accuracy"] == 1.0
    kept = {each.path for each in store.client.list_artifacts(result.run_id, "test")}
    assert "test/predictions.parquet" in kept


def test_one_that_was_interrupted_is_replaced(store: TrackingStore, dataset: TextDataset) -> None:
    parent, setup = start_run(store, name="sweep"), setup_of(dataset)
    tags = {"finesweep.kind": "baseline"}
    start_run(store, name="cut off", parent_run_id=parent.run_id, tags=tags)
    right = np.ones(60, dtype=bool)
    result = compare_with_baseline(parent, setup, right, sweep="own")  # type: ignore[arg-type]
    (run,) = find_runs(store, {PARENT: parent.run_id} | tags)
    assert run.run_id == result.run_id
