"""`finesweep train` on a user's own files, and a user's mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.e2e.conftest import Project

pytestmark = pytest.mark.slow
QUICK = ("model=tiny", "dataset.max_length=16", "training.batch_size=16", "training.epochs=3")
LEARNS = "training.learning_rate=0.01"


def test_train_learns_prints_and_logs_one_run_with_its_model(
    new_project: Project, texts_csv: Path
) -> None:
    data = ("dataset=local", f"dataset.path={texts_csv}")
    done = new_project.finesweep("train", *data, *QUICK, LEARNS, "--quiet", fresh=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("data: ")  # no line for an evaluation before the result
    (run,) = new_project.client.search_runs(["1"])
    assert run.info.status == "FINISHED"
    assert run.data.tags["finesweep.kind"] == "train"
    notes = run.data.tags["finesweep.data_notes"].split("\n")
    assert notes == [f"{split} carved from train: 24 rows" for split in ("test", "validation")]
    assert all(f"data: {note}" in done.stdout for note in notes)
    assert run.data.metrics["test/accuracy"] > 0.5  # three balanced classes
    assert run.outputs.model_outputs
    assert "majority-class validation accuracy: 0.3333" in done.stdout
    assert "finesweep predict --model models:/m-" in done.stdout
    made = {path.name for path in new_project.folder.iterdir()}
    assert made == {"conf", "sweeps", "mlruns"}


def test_files_per_split_of_any_columns_are_used_as_they_are(
    project: Project, texts_csv: Path
) -> None:
    rows = pd.read_csv(texts_csv).rename(columns={"text": "review", "label": "stars"})
    rows["stars"] = rows["stars"].map({"bad": 1, "plain": 3, "good": 5})
    rows[:150].to_parquet(project.folder / "a.parquet")
    rows[150:200].to_csv(project.folder / "b.tsv", sep="\t", index=False)
    rows[200:].to_json(project.folder / "c.jsonl", orient="records", lines=True)
    files = "dataset.files={train: a.parquet, validation: b.tsv, test: c.jsonl}"
    columns = ("dataset.text_column=review", "dataset.label_column=stars")
    done = project.finesweep("train", "dataset=local", files, *columns, *QUICK, LEARNS)
    assert done.returncode == 0, done.stderr
    (run,) = project.client.search_runs(["1"])
    profile = run.inputs.dataset_inputs[0].dataset.profile
    assert profile == '{"train": 150, "validation": 50, "test": 40}'
    path = project.client.download_artifacts(run.info.run_id, "test/predictions.parquet")
    assert set(pd.read_parquet(path)["truth"]) == {"1", "3", "5"}


def test_the_grid_runs_all_four_and_leaves_the_test_split_unseen(
    project: Project, texts_csv: Path
) -> None:
    grid = ("-m", "model=tiny,tiny_distil", "training.seed=1,2", "training.epochs=1")
    data = ("dataset=local", f"dataset.path={texts_csv}", "dataset.max_length=16")
    done = project.finesweep("train", *grid, *data)
    assert done.returncode == 0, done.stderr
    runs = project.client.search_runs(["1"])
    seen = {(run.data.params["model"], run.data.params["training.seed"]) for run in runs}
    assert seen == {(m, s) for m in ("tiny", "tiny_distil") for s in ("1", "2")}
    assert not [run for run in runs if "test/loss" in run.data.metrics]


def test_a_loss_that_is_not_finite_ends_the_run_with_the_reason(
    project: Project, texts_csv: Path
) -> None:
    data = ("dataset=local", f"dataset.path={texts_csv}")
    done = project.finesweep("train", *data, *QUICK, "training.learning_rate=1e30")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (run,) = project.client.search_runs(["1"])
    assert run.info.status == "FAILED"
    assert "nan" in run.data.tags["finesweep.reason"].lower()
    assert run.data.tags["finesweep.reason"] in done.stderr


def test_an_experiment_runs_on_a_file_beside_what_its_authors_report(
    project: Project, texts_csv: Path
) -> None:
    experiment = ("experiment=imdb_bert", "training.uncertain_below=0.8", "training.epochs=4")
    sizes = ("dataset.train_size=null", "dataset.validation_size=24", "dataset.test_size=24")
    data = ("dataset=local", f"dataset.path={texts_csv}", "dataset.max_length=16")
    done = project.finesweep("train", *experiment, *sizes, *data, "model=tiny", LEARNS)
    assert done.returncode == 0, done.stderr
    (run,) = project.client.search_runs(["1"])
    accuracy = run.data.metrics["test/accuracy"]
    assert f"  test/accuracy 0.89, here {accuracy:.4f}" in done.stdout
    assert "differs from the published experiment: data local, theirs imdb; model " in done.stdout
    assert [line.split()[:2] for line in done.stdout.splitlines() if line.startswith(" 4.00")] == [
        ["4.00", "768"]
    ]
    told = Path(project.client.download_artifacts(run.info.run_id, "summary.md")).read_text()
    points = [line for line in told.splitlines() if line.startswith("## ")]
    assert [point.split(". ")[0] for point in points] == [f"## {k}" for k in range(1, 8)]
    assert f"| accuracy | {run.data.metrics['validation/accuracy']:.4f} | {accuracy:.4f} |" in told
    assert "Below a probability of 0.80 a prediction is UNCERTAIN" in told


def test_a_run_that_learns_by_heart_says_so(project: Project, texts_csv: Path) -> None:
    rows = pd.read_csv(texts_csv)
    # Labels at random: nothing that holds for train holds elsewhere.
    rows["label"] = rows["label"].sample(frac=1, random_state=1).to_numpy()
    rows.to_csv(project.folder / "noise.csv", index=False)
    data = ("dataset=local", "dataset.path=noise.csv", "dataset.max_length=16", "model=tiny")
    few = ("dataset.train_size=24", "training.batch_size=8", "training.precision=fp32")
    often = ("training.epochs=16", "training.evaluations_per_epoch=1")
    done = project.finesweep("train", *data, *few, *often, LEARNS)
    assert done.returncode == 0, done.stderr
    (run,) = project.client.search_runs(["1"])
    told = run.data.tags["finesweep.overfitting"]
    assert re.fullmatch(
        r"after epoch \d+ validation/loss rose from [\d.]+ to [\d.]+ "
        r"while train/loss fell from [\d.]+ to [\d.]+",
        told,
    )
    assert f"overfitting: {told}" in done.stdout
