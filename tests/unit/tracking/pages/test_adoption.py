"""A parent run shows its winner's metrics, data and model."""

from __future__ import annotations

from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.pages.adoption import adopt
from finesweep.tracking.runs import input_fields


def test_a_parent_shows_its_winner_once_however_often_it_is_told(store: TrackingStore) -> None:
    parent, child = start_run(store, name="sweep"), start_run(store, name="7")
    child.log_metrics({"validation/loss": 0.5, "test/f1": 0.75, "seconds/training": 9}, step=96)
    sizes = {"train": 96, "validation": 24, "test": 24}
    child.log_input(input_fields("local", "fae88f2e" * 8, sizes, "a.csv"))  # type: ignore[arg-type]
    model = store.client.create_logged_model(store.experiment_id, source_run_id=child.run_id)
    for _ in range(2):
        adopt(parent, child.run_id, f"models:/{model.model_id}")
    found = store.client.get_run(parent.run_id)
    assert found.data.metrics == {"validation/loss": 0.5, "test/f1": 0.75}
    assert [each.dataset.digest for each in found.inputs.dataset_inputs] == ["fae88f2e"]
    assert [each.model_id for each in found.outputs.model_outputs] == [model.model_id]
