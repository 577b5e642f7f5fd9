"""Promotion on the command line: a first champion, a worse challenger, and one on other rows."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Project

pytestmark = pytest.mark.slow
QUICK = ("sweep.n_trials=1", "training.epochs=1", "sweep.baseline=false")
HOPELESS = (*QUICK, "sweep.study=hopeless", "training.learning_rate=1e-8")


@pytest.mark.xdist_group("swept")
def test_a_champion_is_made_kept_and_given_back(finished: Project) -> None:
    project = finished
    first = project.finesweep("promote", "small-model")
    assert (first.returncode, first.stderr) == (0, "")
    assert "promoted: version 1 is champion" in first.stdout
    again = project.finesweep("promote", "small-model")
    assert again.returncode == 2
    assert "version 1 is already champion" in again.stderr

    worse = project.finesweep("sweep", "small", *HOPELESS)
    assert worse.returncode == 0, worse.stderr + worse.stdout
    refused = project.finesweep("promote", "small-model")
    assert (refused.returncode, refused.stderr) == (3, "")
    assert "FAILED  superiority: accuracy -" in refused.stdout
    assert "refused: the champion stays" in refused.stdout

    # Other test rows: the champion is scored again, on the challenger's.
    other = ("sweep.study=other", "dataset.seed=7", "training.learning_rate=1e-8")
    assert project.finesweep("sweep", "small", *QUICK, *other).returncode == 0
    told = project.finesweep("promote", "small-model", "--json", "--dry-run")
    assert (told.returncode, told.stderr) == (3, "")
    decision = json.loads(told.stdout)
    assert (decision["version"], decision["champion"]) == ("3", "1")
    assert decision["numbers"]["rows"] == 24
    assert decision["numbers"]["difference"] < 0
    assert decision["numbers"]["look"] == 1

    listed = project.finesweep("models")
    assert listed.returncode == 0
    assert "champion" in listed.stdout
    assert "refused" in listed.stdout
    rolled = project.finesweep("rollback", "small-model")
    assert rolled.returncode == 2
    assert "has no earlier champion" in rolled.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "small-model"),
        (["--alpha", "0.7"], "--alpha: 0.7 given; must be between 0 and 0.5"),
        (["--margin", "-1"], "--margin: -1.0 given; must be at least 0, below 1"),
        (["registry.recall_los=1"], "did you mean 'registry.recall_loss'"),
    ],
)
def test_a_mistake_is_one_message(project: Project, arguments: list[str], message: str) -> None:
    done = project.finesweep("promote", "small-model", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
