"""Runs are written by their own id, with everything that identifies them."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import datasets
import mlflow
import pytest
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from finesweep.records import Evaluation, TextDataset
from finesweep.tracking import STATUS_OF, Run, TrackingStore, reopen, start_run
from finesweep.tracking.environment.provenance import provenance
from finesweep.tracking.runs import Status


@pytest.fixture
def run(store: TrackingStore) -> Run:
    return start_run(store, name="a run")


def kept(run: Run) -> MlflowRun:
    return run.store.client.get_run(run.run_id)


def test_a_new_run_carries_its_name_tags_and_params(store: TrackingStore) -> None:
    tags = {"finesweep.kind": "trial", "finesweep.slot": 3}
    params = {"model": "minilm", "training.epochs": 2, "dataset.path": None, "a/b": ""}
    found = kept(start_run(store, name="3 minilm", tags=tags, params=params))
    assert found.info.run_name == "3 minilm"
    assert found.info.status == "RUNNING"
    assert found.info.experiment_id == store.experiment_id
    assert found.data.tags.items() >= {"finesweep.kind": "trial", "finesweep.slot": "3"}.items()
    assert "mlflow.parentRunId" not in found.data.tags
    assert found.data.params == {
        "model": "minilm",
        "training.epochs": "2",
        "dataset.path": "None",
        "a/b": "",
    }


def test_a_run_under_another_says_so(store: TrackingStore, run: Run) -> None:
    child = start_run(store, name="child", parent_run_id=run.run_id)
    assert kept(child).data.tags["mlflow.parentRunId"] == run.run_id


def test_a_run_records_versions_user_and_commit(run: Run) -> None:
    tags = kept(run).data.tags
    versions = json.loads(tags["finesweep.versions"])
    assert versions["python"] == platform.python_version()
    for package in ("finesweep", "torch", "transformers", "datasets", "optuna", "mlflow"):
        assert versions[package] == version(package)
    assert tags["mlflow.user"]


def test_the_commit_is_the_current_folders_and_absent_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    fresh = provenance.__wrapped__
    assert "mlflow.source.git.commit" not in fresh()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert fresh()["mlflow.source.git.commit"] == head.stdout.strip()
    monkeypatch.setenv("PATH", "")
    assert "mlflow.source.git.commit" not in fresh()


def test_a_user_without_a_name_can_still_track(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert provenance.__wrapped__()["mlflow.user"] == "unknown"


def test_more_params_than_one_call_takes_are_all_kept(run: Run) -> None:
    params = {f"section.field_{number}": number for number in range(250)}
    run.log_params(params)
    assert kept(run).data.params == {name: str(value) for name, value in params.items()}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("validation/loss", "validation/loss"),
        ("best/validation/f1", "best/validation/f1"),
        ("f1 (macro)", "f1 _macro_"),
        ("a@b#c%d", "a_b_c_d"),
        ("naïve:é-1.5_x", "naïve:é-1.5_x"),
        ("recall/..", "recall/__"),
        ("recall//", "recall/_/_"),
        ("a\n", "a_"),
    ],
)
def test_a_metric_keeps_its_name_but_for_what_mlflow_refuses(run: Run, name: str, key: str) -> None:
    run.log_metrics({name: 0.5}, step=1)
    assert kept(run).data.metrics == {key: 0.5}


def test_labels_that_mlflow_would_call_alike_are_two_params(run: Run) -> None:
    run.log_params({"map.C++": "cpp", "map.C#?": "cs", "map.C": "c", "map.C__": "plain"})
    params = kept(run).data.params
    assert sorted(params.values()) == ["c", "cpp", "cs", "plain"]
    assert (params["map.C"], params["map.C__"]) == ("c", "plain")
    assert all(key.startswith("map.C") for key in params)


def test_texts_longer_than_mlflow_takes_are_cut_and_keys_stay_apart(run: Run) -> None:
    long = "k" * 300
    run.log_params({f"{long}a": "x" * 7000, f"{long}b": "ü\x00\ud800"})
    run.set_tags({f"{long}a": "y" * 9000, "plain": 1})
    params, tags = kept(run).data.params, kept(run).data.tags
    assert sorted(len(key) for key in params) == [250, 250]
    assert sorted(map(len, params.values())) == [5, 6000]
    assert tags["plain"] == "1"
    assert 8000 in map(len, tags.values())
    long_name = start_run(run.store, name="n" * 400)
    assert len(kept(long_name).info.run_name) == 250


def test_one_param_that_is_refused_leaves_all_others_in(run: Run) -> None:
    run.log_params({"section.a": 1})
    params = {f"section.field_{number}": number for number in range(150)}
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        run.log_params({"section.a": 2} | params)
    assert len(kept(run).data.params) == 151
    assert kept(run).data.params["section.a"] == "1"


def test_more_metrics_than_one_call_takes_are_all_kept(run: Run) -> None:
    run.log_metrics({f"test/recall/{number}": 0.5 for number in range(1200)}, step=1)
    assert len(kept(run).data.metrics) == 1200


def test_evaluations_stand_at_the_training_examples_seen(run: Run) -> None:
    for step, loss in ((40, 0.75), (80, 0.5), (120, 0.625)):
        run.log_evaluation(Evaluation(step, step / 80, {"validation/loss": loss, "train/loss": 1}))
    history = run.store.client.get_metric_history(run.run_id, "validation/loss")
    assert [(metric.step, metric.value) for metric in history] == [
        (40, 0.75),
        (80, 0.5),
        (120, 0.625),
    ]
    assert kept(run).data.metrics == {"validation/loss": 0.625, "train/loss": 1.0}


@pytest.mark.parametrize(
    ("state", "status"), [("COMPLETE", "FINISHED"), ("PRUNED", "KILLED"), ("FAIL", "FAILED")]
)
def test_a_run_ends_as_its_trial_did(run: Run, state: str, status: Status) -> None:
    assert STATUS_OF[state] == status
    run.finish(STATUS_OF[state])
    assert kept(run).info.status == status
    assert kept(run).info.end_time >= kept(run).info.start_time


def test_a_finished_run_can_be_running_again(run: Run) -> None:
    run.finish("FAILED")
    reopen(run)
    assert kept(run).info.status == "RUNNING"
    run.finish("FINISHED")
    assert kept(run).info.status == "FINISHED"


def test_tags_are_replaced_by_later_ones(run: Run) -> None:
    run.set_tags({"finesweep.trial_state": "RUNNING", "finesweep.best_step": 40})
    run.set_tags({"finesweep.trial_state": "COMPLETE"})
    tags = kept(run).data.tags
    assert tags["finesweep.trial_state"] == "COMPLETE"
    assert tags["finesweep.best_step"] == "40"


def test_the_data_is_an_input_of_the_run(run: Run) -> None:
    rows = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, 0]})
    dataset = TextDataset(
        name="tweets",
        train=rows,
        validation=rows.select([0, 1]),
        test=rows.select([0]),
        label_names=("no", "yes"),
        fingerprint="0123456789abcdef",
        test_fingerprint="0123",
        notes=(),
    )
    run.log_dataset(dataset, source="tweets.csv")
    (found,) = kept(run).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("tweets", "01234567")
    assert found.dataset.source == "tweets.csv"
    assert json.loads(found.dataset.profile) == {"train": 3, "validation": 2, "test": 1}
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "training")]


def test_texts_and_folders_become_artifacts_under_their_own_names(run: Run, tmp_path: Path) -> None:
    (tmp_path / "validation").mkdir()
    (tmp_path / "validation" / "errors.json").write_text("[]")
    (tmp_path / "curves.png").write_bytes(b"picture")
    run.log_folder(tmp_path)
    run.log_text("a: ü\n", "config.yaml")
    folder = Path(kept(run).info.artifact_uri.removeprefix("file://"))
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"validation/errors.json", "curves.png", "config.yaml"}
    assert (folder / "config.yaml").read_text(encoding="utf-8") == "a: ü\n"


def test_mlflows_own_active_run_is_never_set(store: TrackingStore) -> None:
    run = start_run(store, name="quiet", tags={"a": 1}, params={"b": 2})
    run.log_metrics({"validation/loss": 1.0}, step=1)
    assert mlflow.active_run() is None
    run.finish("FINISHED")
    assert mlflow.active_run() is None
