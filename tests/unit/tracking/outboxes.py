"""Shared by the tests of outboxes: a trial's calls, and MLflow's data of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets

from finesweep.records import Evaluation, TextDataset
from finesweep.tracking import Outbox, RunLog, TrackingStore

ROWS = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, 0]})
DATASET = TextDataset(
    "reviews", ROWS, ROWS, ROWS, ("no", "yes"), "fedcba9876543210", "0123", notes=()
)
TAGS = {"finesweep.kind": "trial", "finesweep.slot": 3}
END = {"finesweep.trial_state": "COMPLETE"}
OURS = ("finesweep.kind", "finesweep.slot", "finesweep.trial_state", "finesweep.best_step", "a/b")


def opened(root: Path, uid: str, *, parent: str | None = None) -> Outbox:
    folder = root / "worker" / uid.replace("/", "-")
    return Outbox.open(folder, uid=uid, name="3 minilm", parent_run_id=parent, tags=TAGS)


def write_trial(log: RunLog, folder: Path) -> None:
    """Each kind of call, some twice with different values."""
    log.log_params({"model": "minilm", "training.epochs": 2, "dataset.path": None, "a/b": ""})
    log.log_params({f"section.field_{number}": number for number in range(150)})
    log.log_dataset(DATASET, source="reviews.csv")
    log.log_text("a: ü\n", "config.yaml")
    for step, loss in ((40, 0.75), (80, 0.1 + 0.2), (120, float("nan"))):
        log.log_evaluation(Evaluation(step, step / 80, {"validation/loss": loss, "f1 (m)": 1}))
    log.set_tags({"finesweep.best_step": 40, "a/b": "first"})
    log.set_tags({"a/b": "second"})
    folder.mkdir(exist_ok=True)
    (folder / "validation").mkdir(exist_ok=True)
    (folder / "validation" / "errors.json").write_text("[]")
    (folder / "curves.png").write_bytes(b"\x89picture")
    log.log_folder(folder)
    log.log_metrics({"validation/loss": 0.5}, step=120)


def known(store: TrackingStore, run_id: str) -> dict[str, Any]:
    """All of a run except its ids and times."""
    run = store.client.get_run(run_id)
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    files = [path for path in artifacts.rglob("*") if path.is_file()]
    (used,) = run.inputs.dataset_inputs
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "params": run.data.params,
        "tags": {name: run.data.tags.get(name) for name in OURS},
        "metrics": {name: str(value) for name, value in run.data.metrics.items()},
        "history": {name: history(store, run_id, name) for name in run.data.metrics},
        "dataset": used.dataset.to_dictionary(),
        "files": {str(path.relative_to(artifacts)): path.read_bytes() for path in files},
    }


def history(store: TrackingStore, run_id: str, metric: str) -> list[tuple[int, str]]:
    """Step and value of each row, ordered by time."""
    rows = store.client.get_metric_history(run_id, metric)
    return [(row.step, str(row.value)) for row in sorted(rows, key=lambda row: row.timestamp)]
