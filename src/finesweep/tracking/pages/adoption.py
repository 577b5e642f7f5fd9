"""What a parent run shows of its winner, so that MLflow's table of parents compares sweeps."""

from __future__ import annotations

from mlflow.entities import LoggedModelOutput

from finesweep.tracking.runs import Run

SPLITS_SHOWN = ("validation/", "test/")


def adopt(parent: Run, child_run_id: str, model_uri: str) -> None:
    """Logs the child's validation and test metrics, its datasets and its LoggedModel on the parent.

    Safe to repeat: a model or a dataset is linked once, and metrics replace the former winner's.
    """
    client = parent.store.client
    child, own = client.get_run(child_run_id), client.get_run(parent.run_id)
    metrics = child.data.metrics.items()
    shown = {name: value for name, value in metrics if name.startswith(SPLITS_SHOWN)}
    parent.log_metrics(shown, step=0)
    if child.inputs and (datasets := child.inputs.dataset_inputs):
        client.log_inputs(parent.run_id, datasets=datasets)
    model_id = model_uri.removeprefix("models:/")
    linked = {each.model_id for each in own.outputs.model_outputs} if own.outputs else set()
    if model_id not in linked:
        client.log_outputs(parent.run_id, [LoggedModelOutput(model_id, step=0)])
