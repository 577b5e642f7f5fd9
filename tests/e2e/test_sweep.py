"""A whole sweep, on a tiny real model: what stands in the stores afterwards."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from mlflow.entities import Run
from optuna.trial import TrialState

from finesweep.config import DatasetConfig
from finesweep.dataset import prepare
from tests.e2e.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("swept")]
Swept = tuple[Project, subprocess.CompletedProcess[str]]

COMPLETE_ARTIFACTS = {
    "config.yaml",
    "curves.png",
    "validation/confusion_matrix.png",
    "validation/confusion_matrix.json",
    "validation/classification_report.json",
    "validation/errors.json",
    "validation/predictions.parquet",
}
METRICS = {
    "loss",
    "accuracy",
    "f1",
    "precision",
    "recall",
    "roc_auc",
    "average_precision",
    "mcc",
    "brier",
    "calibration_error",
}


_KIND = "tags.`finesweep.kind`"


def _children(project: Project) -> list[Run]:
    parent = project.client.search_runs(["1"], "tags.`finesweep.kind` = 'sweep'")
    assert len(parent) == 1
    text = f"tags.`mlflow.parentRunId` = '{parent[0].info.run_id}' AND {_KIND} = 'trial'"
    return list(project.client.search_runs(["1"], text))


def _artifacts(project: Project, run: Run) -> set[str]:
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_parent_has_one_child_per_slot_each_with_the_status_of_its_trial(swept: Swept) -> None:
    project, _ = swept
    children, trials = _children(project), project.trials()
    status = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
    assert len(children) == len(trials) == 6
    for run in children:
        tags = run.data.tags
        trial = trials[int(tags["finesweep.trial_number"])]
        assert tags["finesweep.trial_state"] == trial.state.name
        assert run.info.status == status[trial.state.name]
        assert tags["finesweep.kind"] == "trial"
        assert tags["finesweep.sweep"] == "small"
        assert int(tags["finesweep.slot"]) == trial.user_attrs["slot"]
        assert tags["finesweep.attempt"] == "1"
    assert sorted(int(run.data.tags["finesweep.slot"]) for run in children) == list(range(6))
    assert {run.data.params["model"] for run in children} == {"tiny", "tiny_distil"}


def test_the_parent_is_finished_and_holds_the_definition(swept: Swept) -> None:
    project, _ = swept
    (parent,) = project.client.search_runs(["1"], "tags.`finesweep.kind` = 'sweep'")
    assert parent.info.status == "FINISHED"
    text = project.client.download_artifacts(parent.info.run_id, "sweep.yaml")
    assert "training.learning_rate: tag(log, interval(1e-08, 0.02))" in Path(text).read_text()


def test_every_run_says_what_was_done_to_its_data(swept: Swept) -> None:
    project, _ = swept
    parents = project.client.search_runs(["1"], "tags.`finesweep.kind` = 'sweep'")
    told = [run.data.tags["finesweep.data_notes"] for run in [*parents, *_children(project)]]
    assert set(told) == {"test carved from train: 24 rows\nvalidation carved from train: 24 rows"}


def test_a_complete_trial_holds_every_artifact_metric_and_param(swept: Swept) -> None:
    project, _ = swept
    complete = [run for run in _children(project) if run.info.status == "FINISHED"]
    assert complete
    for run in complete:
        assert _artifacts(project, run) >= COMPLETE_ARTIFACTS
        wanted = {"train/loss", *(f"validation/{name}" for name in METRICS)}
        assert set(run.data.metrics) >= wanted
        assert run.data.params["dataset"] == "local"
        assert run.data.params["training.batch_size"] == "16"
        assert int(run.data.params["parameters.trainable"]) > 0
        assert len(run.data.tags["finesweep.data_fingerprint"]) == 64
        assert len(run.data.tags["finesweep.weights_sha256"]) == 64
        assert json.loads(run.data.tags["finesweep.versions"])["optuna"].startswith("5.")
        (dataset,) = run.inputs.dataset_inputs
        assert dataset.dataset.digest == run.data.tags["finesweep.data_fingerprint"][:8]


def test_a_trial_s_value_is_its_best_evaluation_and_the_run_shows_it(swept: Swept) -> None:
    project, _ = swept
    for run in _children(project):
        trial = project.trials()[int(run.data.tags["finesweep.trial_number"])]
        history = project.client.get_metric_history(run.info.run_id, "validation/loss")
        reported = trial.intermediate_values
        assert {point.step: point.value for point in history}.keys() == reported.keys()
        if trial.state == TrialState.COMPLETE:
            assert trial.value == min(reported.values()) == run.data.metrics["validation/loss"]


def test_a_pruned_trial_stops_at_an_evaluation_before_its_planned_steps(swept: Swept) -> None:
    project, _ = swept
    pruned = [trial for trial in project.trials() if trial.state == TrialState.PRUNED]
    assert pruned
    for trial in pruned:
        n_train_rows = 192
        planned = n_train_rows * trial.params["training.epochs"]
        assert trial.last_step in [n_train_rows * k // 2 for k in range(1, 6)]
        assert trial.last_step < planned


def test_weights_are_kept_of_the_three_best_alone(swept: Swept) -> None:
    project, _ = swept
    complete = [trial for trial in project.trials() if trial.state == TrialState.COMPLETE]
    best = sorted(complete, key=lambda trial: trial.value)[:3]
    kept = {path.parent.name for path in project.folder.glob("mlruns/checkpoints/small/*/*")}
    assert kept == {f"slot-{trial.user_attrs['slot']:04d}" for trial in best}
    for file in project.folder.glob("mlruns/checkpoints/small/*/*/model/*"):
        assert file.suffix in (".safetensors", ".json")


def test_only_the_winner_has_looked_at_the_test_split(swept: Swept) -> None:
    project, _ = swept
    best = min(
        (t for t in project.trials() if t.state == TrialState.COMPLETE), key=lambda t: t.value
    )
    looked = [run for run in _children(project) if "test/loss" in run.data.metrics]
    assert [int(run.data.tags["finesweep.trial_number"]) for run in looked] == [best.number]
    assert {f"test/{name}" for name in METRICS} <= set(looked[0].data.metrics)
    pictures = {"test/confusion_matrix.png", "test/answers.png"}
    tables = {"test/answering.json", "test/intervals.json", "test/slices.json"}
    assert _artifacts(project, looked[0]) >= pictures | tables
    measured = looked[0].data.metrics
    assert measured["test/look"] == 1
    assert 0 < measured["latency_ms/one_p50"] <= measured["latency_ms/one_p95"]
    assert measured["test/answered_accuracy"] >= measured["test/accuracy"] - 1e-9
    assert 0 < measured["test/answered_share"] <= 1
    assert measured["model/bytes"] > 1e5
    assert looked[0].data.metrics["test/accuracy"] > 0.5  # three balanced classes


def test_the_winner_is_compared_with_the_baseline(swept: Swept) -> None:
    project, done = swept
    (run,) = project.client.search_runs(["1"], f"{_KIND} = 'baseline'")
    assert run.info.status == "FINISHED"
    assert {f"{split}/accuracy" for split in ("validation", "test")} <= set(run.data.metrics)
    assert run.data.metrics["test/accuracy"] > 0.9  # each class has words of its own
    assert "test/predictions.parquet" in _artifacts(project, run)
    assert "TF-IDF with logistic regression: accuracy " in done.stdout
    assert "the winner does NOT significantly beat it: " in done.stdout


def test_both_models_are_compared_in_one_sentence(swept: Swept) -> None:
    _, done = swept
    (sentence,) = [line for line in done.stdout.splitlines() if "validation rows (p " in line]
    assert "tiny" in sentence
    assert "tiny_distil" in sentence
    assert sentence.endswith(".")


def test_the_winner_is_registered_and_described(swept: Swept) -> None:
    project, done = swept
    version = project.client.get_model_version_by_alias("small-model", "challenger")
    assert version.version == 1
    assert "truncation=True, max_length=" in version.description
    assert "registered as small-model version 1, alias challenger" in done.stdout


def test_pyfunc_in_a_new_process_predicts_what_the_evaluation_did(swept: Swept) -> None:
    """Also for texts over the trial's max_length and over BERT's 512 tokens."""
    project, _ = swept
    answers = json.loads(
        project.python(
            """
import json, mlflow, pandas
mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
client = mlflow.MlflowClient()
run = client.get_run(client.get_model_version_by_alias("small-model", "challenger").run_id)
path = client.download_artifacts(run.info.run_id, "test/predictions.parquet")
truth = pandas.read_parquet(path)
texts = pandas.read_csv(run.data.params["dataset.path"]).text.tolist()
from finesweep.config import DatasetConfig
from finesweep.dataset import load_dataset
test = load_dataset(DatasetConfig(name="local", path=run.data.params["dataset.path"])).test
model = mlflow.pyfunc.load_model("models:/small-model@challenger")
got = model.predict(list(test["text"]))
long = ["lovely " * n for n in (30, 70, 600)]
print(json.dumps({
    "expected": truth.prediction.tolist(),
    "probabilities": truth[[c for c in truth if c.startswith("prob")]].max(axis=1).tolist(),
    "labels": got.label.tolist(),
    "scores": got.score.tolist(),
    "long": model.predict(long).score.tolist(),
}))
""",
            fresh=True,
        )
    )
    assert answers["labels"] == answers["expected"]
    assert answers["scores"] == pytest.approx(answers["probabilities"], abs=1e-4)
    # Cut at the same length, the three long texts are one text.
    assert answers["long"] == pytest.approx([answers["long"][0]] * 3, abs=1e-6)


def test_the_python_of_the_docs_runs(swept: Swept) -> None:
    project, _ = swept
    document = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
    code = document.split("```python\n")[1].split("```")[0]
    printed = project.python(code.replace("tweets-sentiment", "small-model"))
    assert "label" in printed
    assert "score" in printed


def test_status_tells_a_program_everything(swept: Swept) -> None:
    project, _ = swept
    status = json.loads(project.finesweep("status", "small", "--json").stdout)
    assert list(status) == [
        "sweep",
        "study",
        "metric",
        "direction",
        "target",
        "counts",
        "beyond",
        "best",
        "parent_run_id",
        "confirmed",
        "n_confirmations",
        "combination",
        "winner",
        "baseline",
        "comparisons",
        "registered",
        "workers",
        "failures",
        "interrupted_attempts",
        "spent",
        "prune_audit",
        "seconds_left",
        "grid",
        "time_budget",
        "stopped",
        "front",
        "failed_seeds",
    ]
    assert (status["sweep"], status["study"]) == ("small", "small")
    assert (status["metric"], status["direction"]) == ("validation/loss", "minimize")
    assert status["target"] == 6 == sum(status["counts"].values())
    assert list(status["counts"]) == ["complete", "pruned", "failed", "running", "waiting"]
    assert set(status["best"]) == {"trial", "value", "params", "run_id", "origin"}
    assert "model.freeze_layers" in status["best"]["params"]
    assert status["registered"] == {"name": "small-model", "version": "1", "alias": "challenger"}
    winner = status["winner"]
    assert (winner["trial"], winner["test_look"]) == (status["best"]["trial"], 1)
    for name in ("accuracy", "roc_auc", "f1", "f1/plain", "brier"):
        low, high = winner["test_intervals"][f"test/{name}"]
        assert 0 <= low <= high <= 1
    low, high = winner["test_intervals"]["test/loss"]
    assert low <= winner["test_metrics"]["test/loss"] <= high
    assert [
        {each["first"]["model"], each["second"]["model"]} for each in status["comparisons"]
    ] == [{"tiny", "tiny_distil"}]
    assert 0 < status["baseline"]["p"] <= 1


def test_predict_answers_with_names_and_uncertain(swept: Swept) -> None:
    project, _ = swept
    (project.folder / "texts.txt").write_text("it was lovely\n\nthe day was awful\n")
    model = ("--model", "models:/small-model@challenger")
    done = project.finesweep(
        "predict", *model, "--file", "texts.txt", "--json", "--threshold", "0", fresh=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == ["it was lovely", "", "the day was awful"]
    assert (answers[1]["label"], answers[1]["uncertain"]) == ("UNCERTAIN", True)
    for answer in answers[::2]:
        assert set(answer["probabilities"]) == {"good", "bad", "plain"}
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)
    unsure = project.finesweep("predict", *model, "it was lovely", "--threshold", "1.0")
    assert unsure.stdout.startswith("UNCERTAIN")
    assert f"{answers[0]['label']}: " in unsure.stdout
    assert "is below 1.000" in unsure.stdout
    assert "below 1, the value of --threshold" in unsure.stderr


def test_predict_answers_a_file_and_standard_input(swept: Swept) -> None:
    project, _ = swept
    (project.folder / "in.csv").write_text("id,review\n1,it was lovely\n2,\n3,awful\n")
    model = ("--model", "models:/small-model@challenger")
    files = ("--file", "in.csv", "--text-column", "review", "--output", "out.jsonl")
    done = project.finesweep("predict", *model, *files)
    assert done.returncode == 0
    assert "1 of 3 texts UNCERTAIN: empty text\n" in done.stderr
    assert re.fullmatch(r"out\.jsonl: 3 rows, \d of them UNCERTAIN\n", done.stdout)
    rows = [json.loads(line) for line in (project.folder / "out.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert rows[1]["prediction"] == "UNCERTAIN"
    assert sum(rows[0][f"probability/{name}"] for name in ("good", "bad", "plain")) == (
        pytest.approx(1, abs=1e-6)
    )
    piped = project.finesweep("predict", *model, "--json", given="it was lovely\n\nawful\n")
    told = [json.loads(line)["text"] for line in piped.stdout.splitlines()]
    assert told == ["it was lovely", "", "awful"]
    wrong = project.finesweep("predict", *model, "--file", "in.csv")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("finesweep: --text-column: no column 'text'; ")


def test_predict_reads_a_file_as_training_does(swept: Swept) -> None:
    project, _ = swept
    held = [("lovely; great", "good"), ("an awful\nday", "bad"), ('a "dull" film', "bad")] * 20
    rows = [
        f'"{text} {k}";{label};'.replace('"dull"', '""dull""')
        for k, (text, label) in enumerate(held)
    ]
    content = "\ufefftext;label;\r\n" + "\r\n".join(rows) + "\r\n\r\n"
    (project.folder / "messy.csv").write_bytes(content.encode())
    trained = prepare(DatasetConfig(name="x", path=str(project.folder / "messy.csv")))
    done = project.finesweep(
        "predict",
        "--model",
        "models:/small-model@challenger",
        "--file",
        "messy.csv",
        "--output",
        "answers.jsonl",
    )
    assert done.returncode == 0, done.stderr
    lines = (project.folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    answered = [json.loads(line) for line in lines]
    texts = [f"{text} {k}" for k, (text, _) in enumerate(held)]
    assert [row["text"] for row in answered] == trained.raw["train"]["text"].tolist() == texts
    note = "messy.csv: separated by a semicolon; dataset.separator sets it"
    assert note in done.stderr
    assert note in trained.notes


def test_the_screen_ends_with_the_majority_class_and_what_to_type_next(swept: Swept) -> None:
    _, done = swept
    assert "leaderboard by validation/loss" in done.stdout
    assert re.search(r"^baseline +\d\.\d{4} TF-IDF, logistic ", done.stdout, re.M)
    assert re.search(
        r"; evaluated once on the test split \(24 rows; first use of them\)$", done.stdout, re.M
    )
    assert re.search(r"^  95 % CI low +\d", done.stdout, re.M)
    assert "majority-class accuracy: 0.3333" in done.stdout
    assert 'finesweep predict --model models:/small-model@challenger "' in done.stdout
    assert "\n  finesweep promote small-model\n" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_the_same_command_again_runs_nothing(swept: Swept) -> None:
    project, _ = swept
    before = len(project.trials())
    again = project.finesweep("sweep", "small")
    assert again.returncode == 0
    assert len(project.trials()) == before
    assert len(project.client.search_model_versions("name='small-model'")) == 1


PORTFOLIO = """\
encoder: {{model_type: {kind}, n_layers: {layers}, hidden_size: 32}}
origin: a test
settings:
  - {{training.learning_rate: 0.008, training.epochs: 3, frozen_share: 0.5}}
  - {{training.learning_rate: 0.5, training.epochs: 3, frozen_share: 0.5}}
"""


def test_the_portfolio_of_each_model_is_tried_after_what_is_enqueued(project: Project) -> None:
    folder = project.folder / "portfolios"
    folder.mkdir()
    for kind, layers in (("bert", 4), ("distilbert", 2)):
        text = PORTFOLIO.format(kind=kind, layers=layers)
        (folder / f"{kind}.yaml").write_text(text, encoding="utf-8")
    enqueue = "sweep.enqueue=[{model: tiny, training.learning_rate: 0.01}]"
    few = [enqueue, "sweep.n_trials=4", "sweep.register=null", "sweep.confirm=null"]
    few += ["sweep.baseline=false", "training.evaluations_per_epoch=1", "dataset.train_size=48"]
    done = project.finesweep("sweep", "small", *few)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "portfolio: 2 known-good settings tried first" in done.stdout
    first, second, third, last = project.trials()
    assert first.params.items() >= {"model": "tiny", "training.learning_rate": 0.01}.items()
    fixed = {"training.learning_rate": 0.008, "training.epochs": 3}
    own = {"model": "tiny", "model.freeze_layers|model=tiny": 2}
    assert second.params.items() >= (fixed | own).items()
    own = {"model": "tiny_distil", "model.freeze_layers|model=tiny_distil": 1}
    assert third.params.items() >= (fixed | own).items()
    assert last.params["training.learning_rate"] not in (0.008, 0.01)
    origins = ["enqueued", "portfolio", "portfolio", "sampler"]
    assert [trial.user_attrs["origin"] for trial in project.trials()] == origins
    tags = [run.data.tags for run in _children(project)]
    by_number = {int(each["finesweep.trial_number"]): each["finesweep.origin"] for each in tags}
    assert [by_number[number] for number in range(4)] == origins
    status = json.loads(project.finesweep("status", "small", "--json").stdout)
    assert status["best"]["origin"] == origins[status["best"]["trial"]]
    refused = project.finesweep("sweep", "small", *few, "sweep.portfolio=1")
    assert refused.returncode == 2
    assert "sweep.portfolio: 2 when the study was made, now 1" in refused.stderr
