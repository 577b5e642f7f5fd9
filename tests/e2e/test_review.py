"""`compare` and `reproduce` on a sweep that was really run."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import optuna
import pytest
from mlflow.entities import Run

from finesweep.sweep.study.keys import DEFINITION, FINALIST
from tests.e2e.conftest import Project
from tests.stores import copy_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("swept")]

CHALLENGER = "models:/small-model@challenger"
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def reviewed(swept: tuple[Project, Done], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the swept project, whose runs may be added to and changed; with a second sweep,
    whose winner is the first one's next best trial."""
    project = Project(tmp_path_factory.mktemp("reviewed") / "project")
    copy_project(swept[0].folder, project.folder)
    url = project.storage_url
    optuna.copy_study(
        from_study_name="small", from_storage=url, to_storage=url, to_study_name="other"
    )
    study = optuna.load_study(study_name="other", storage=url)
    definition = study.user_attrs[DEFINITION] | {"training.batch_size": 8}
    study.set_user_attr(DEFINITION, definition)
    client = project.client
    for name, run in runs(project).items():  # without their settings, which rounding may change
        if name[0].isdigit():
            client.update_run(run.info.run_id, name=" ".join(name.split(" ")[:2]))
    made = runs(project)
    client.update_run(made["5 tiny"].info.run_id, name="other")
    for _ in range(2):
        client.create_run("1", run_name="twice")
    second = {"run_id": made["1 tiny_distil"].info.run_id, "trial": 1}
    study.set_user_attr(FINALIST, study.user_attrs[FINALIST] | second)
    return project


def runs(project: Project) -> dict[str, Run]:
    """Name → run; of several of one name the first."""
    found = project.client.search_runs(["1"], order_by=["attributes.start_time DESC"])
    return {str(run.info.run_name): run for run in found}


def compared(project: Project, *names: str) -> dict[str, Any]:
    done = project.finesweep("compare", *names, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_runs_are_compared_by_settings_scores_and_paired_tests(reviewed: Project) -> None:
    second = runs(reviewed)["1 tiny_distil"].info.run_id
    made = compared(reviewed, CHALLENGER, second[:12], "4 tiny_distil")
    assert [side["kind"] for side in made["sides"]] == ["trial"] * 3
    assert made["settings"]["model"] == ["tiny", "tiny_distil", "tiny_distil"]
    assert "training.batch_size" not in made["settings"]
    assert "data" not in made["inputs"]
    best = runs(reviewed)["0 tiny"].data.metrics["validation/loss"]
    score = made["scores"]["validation/loss"][0]
    assert score["value"] == best
    assert score["low"] < best < score["high"]
    assert made["scores"]["test/loss"][1] is None
    (test,) = made["tests"]
    assert (test["split"], test["first"], test["second"]) == ("validation", "A", "B")
    assert test["result"]["rows"] == 24
    assert made["notes"] == [
        "Not in a paired test on validation rows: C has no predictions.",
        "Not in a paired test on test rows: B has no predictions, C has no predictions.",
    ]


def test_the_baseline_has_no_settings_and_the_same_test_rows(reviewed: Project) -> None:
    made = compared(reviewed, CHALLENGER, "TF-IDF, logistic regression")
    assert made["settings"] == {}
    assert made["notes"] == ["B is of kind baseline, without a config: no settings."]
    assert [test["split"] for test in made["tests"]] == ["validation", "test"]
    assert made["scores"]["test/loss"][1]["low"] < made["scores"]["test/loss"][1]["high"]


def test_sweeps_are_compared_by_definition_budget_and_winners(reviewed: Project) -> None:
    made = compared(reviewed, "small", "other")
    assert made["settings"] == {"training.batch_size": ["16", "8"]}
    assert made["facts"]["trials"] == [6, 6]
    assert made["facts"]["winner trial"] == [0, 1]
    assert made["facts"]["seconds spent"][0] == made["facts"]["seconds spent"][1] > 0
    best = made["scores"]["best validation/loss"]
    assert best[0] == best[1]
    assert best[0]["low"] < best[0]["value"] < best[0]["high"]
    assert [test["split"] for test in made["tests"]] == ["validation"]
    both, untested = made["notes"]
    assert both.startswith("'other' is a sweep and also a run, ")
    assert both.endswith(": compared is the sweep.")
    assert untested == "Not in a paired test on test rows: B has no predictions."


def test_the_screen_fits_and_the_page_is_written(reviewed: Project) -> None:
    done = reviewed.finesweep("compare", "small", "1 tiny_distil", "--output", "page.html")
    assert done.returncode == 0, done.stderr
    tables = done.stdout.partition("A and B do not differ")[0]
    assert max(map(len, tables.splitlines())) <= 100
    assert "model.freeze_layers" in tables
    assert "'small' is a sweep among runs: compared is the run of its winner." in done.stdout
    assert "training.weight_decay" in (reviewed.folder / "page.html").read_text()


def test_names_that_mean_nothing_or_several_are_one_message_each(reviewed: Project) -> None:
    printed = reviewed.python(
        """
import finesweep
def refused(*names, **options):
    try:
        finesweep.compare(names, **options)
    except finesweep.ConfigError as error:
        print(error)
refused("smal", "zzz")
refused("twice", "small")
refused("small", "small")
refused("small")
refused("0 tiny", "models:/small-model@challenger")
refused("models:/small-model/9", "small")
refused("small", "other", overrides=["tracking.uri=sqlite:///no.db"])
try:
    finesweep.reproduce("small")
except finesweep.ConfigError as error:
    print(error)
"""
    ).splitlines()
    unknown = "and no sweep in sqlite:///mlruns/optuna.db has this id or name; "
    winner = runs(reviewed)["0 tiny"].info.run_id
    ambiguous = printed.pop(3)
    assert ambiguous.startswith("twice: means 2 runs; give one's id: ")
    assert printed[0] == "2 problems:"
    assert f"{unknown}did you mean 'small'?" in printed[1]
    assert printed[2].startswith("  zzz: no run in sqlite:///")
    assert printed[3:6] == [
        "names: 'small' is given more than once",
        "names: 1 given; must be 2 to 10 runs or sweeps",
        f"compare: two of the names mean the same, {winner}",
    ]
    assert printed[6].startswith("models:/small-model/9: no such version; use models:/NAME@ALIAS")
    assert printed[7] == "tracking.uri: no store at no.db; run a sweep here first"
    assert not (reviewed.folder / "no.db").exists()
    assert printed[8].endswith(f"is a sweep, not one training; reproduce its winner: {winner}")


def looks(project: Project) -> int:
    return sum("finesweep.test_fingerprint" in run.data.tags for run in runs(project).values())


def test_the_registered_winner_is_reproduced_bit_for_bit(reviewed: Project) -> None:
    before = looks(reviewed)
    done = reviewed.finesweep("reproduce", CHALLENGER)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "\nEQUAL\nEqual bit for bit: the scores of 4 evaluations and the prob" in done.stdout
    assert "changed" not in done.stdout
    original, again = runs(reviewed)["0 tiny"], runs(reviewed)["0 tiny, reproduced"]
    assert again.info.status == "FINISHED"
    tags = {name: again.data.tags.get(f"finesweep.{name}") for name in ("kind", "reproduces")}
    assert tags == {"kind": "reproduce", "reproduces": original.info.run_id}
    assert again.data.tags["finesweep.reproduction"] == "equal"
    assert looks(reviewed) == before
    (version,) = reviewed.client.search_model_versions("name = 'small-model'")
    assert version.run_id == original.info.run_id


def test_a_pruned_trial_is_reproduced_to_where_it_was_pruned(reviewed: Project) -> None:
    pruned = runs(reviewed)["2 tiny"]
    done = reviewed.finesweep("reproduce", pruned.info.run_id[:10], "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    made = json.loads(done.stdout)
    assert (made["verdict"], made["original"]) == ("equal", pruned.info.run_id)
    assert made["notes"] == [
        "The original was pruned; it was trained again to the same evaluation."
    ]
    again = runs(reviewed)["2 tiny, reproduced"]
    assert (again.info.status, again.data.tags["finesweep.trial_state"]) == ("KILLED", "PRUNED")


def test_edited_data_and_other_weights_are_named(reviewed: Project, tiny_bert: Path) -> None:
    from safetensors.numpy import load_file, save_file

    run = runs(reviewed)["3 tiny"]
    recorded = Path(run.info.artifact_uri.removeprefix("file://")) / "config.yaml"
    text = recorded.read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("  path: ")]
    edited = Path(line.removeprefix("  path: ")).read_text().replace("superb", "splendid")
    (reviewed.folder / "edited.csv").write_text(edited)
    weights = reviewed.folder / "weights"
    shutil.copytree(tiny_bert, weights)
    tensors = load_file(weights / "model.safetensors")
    name = next(name for name in tensors if "layer.0.output.dense.weight" in name)
    tensors[name] = tensors[name] + 0.01
    save_file(tensors, weights / "model.safetensors", metadata={"format": "pt"})
    recorded.write_text(text.replace(line, "  path: edited.csv").replace(str(tiny_bert), "weights"))
    done = reviewed.finesweep("reproduce", run.info.run_id)
    assert done.returncode == 1, done.stderr + done.stdout
    changed = [line for line in done.stdout.splitlines() if line.startswith("changed: ")]
    inputs = ["data", "starting weights"]
    assert [line.split(",")[0] for line in changed] == [f"changed: {each}" for each in inputs]
    why = "With other data and starting weights it is another experiment."
    assert f"\nDIFFERS\n{why}\nThe first difference: " in done.stdout
    assert "\nChanged since: data, starting weights.\n" in done.stdout


def test_what_is_recorded_cannot_be_overridden(reviewed: Project) -> None:
    done = reviewed.finesweep("reproduce", "0 tiny", "training.epochs=1", "model=bert")
    assert done.returncode == 2
    only = "is recorded; only tracking.…, storage.…, launcher.… can be set"
    assert f"training.epochs: {only}\n  model: {only}" in done.stderr
