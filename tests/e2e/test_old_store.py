"""A project that an earlier commit left is opened, continued, promoted, served and rolled back.

`tests/data/make_old_store.py` made it.
"""

from __future__ import annotations

import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.served import ask, serving

pytestmark = pytest.mark.slow
ARCHIVE = Path(__file__).parents[1] / "data" / "old_store.tar.xz"
VERSION = "models:/old-model/2"


@pytest.fixture
def old(tmp_path: Path) -> Project:
    """The project as it was left: study `first` made the champion, study `old` its challenger."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    for dump in (tmp_path / "project" / "mlruns").glob("*.sql"):
        with closing(sqlite3.connect(dump.with_suffix(".db"))) as opened, opened:
            opened.executescript(dump.read_text(encoding="utf-8"))
        dump.unlink()
    return Project(tmp_path / "project")


def said(project: Project, *arguments: str) -> str:
    """What a command prints that ends well."""
    done = project.finesweep(*arguments)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_its_challenger_is_promoted_answers_and_makes_room_again(old: Project) -> None:
    assert "promoted: version 2 is champion" in said(old, "promote", "old-model")
    answers = said(old, "predict", "--model", VERSION, "a lovely superb day", "the awful dull film")
    assert [line.split()[0] for line in answers.splitlines()] == ["good", "bad"]
    with serving(old, VERSION) as address:
        served = ask(address, "/api/predict", {"texts": ["a lovely superb day"]})
    assert [each["label"] for each in served["predictions"]] == ["good"]
    assert "version 1 is champion again" in said(old, "rollback", "old-model")
    champion = old.client.get_model_version_by_alias("old-model", "champion")
    assert str(champion.version) == "1"


def test_its_sweep_goes_on_where_it_ended(old: Project) -> None:
    before = json.loads(said(old, "status", "old", "--json"))
    assert before["counts"]["complete"] == before["target"] == 4
    assert "trial   4 (slot 5 of 5)" in said(old, "sweep", "old", "sweep.n_trials=5")
    after = json.loads(said(old, "status", "old", "--json"))
    assert after["counts"]["complete"] == after["target"] == 5
    assert after["parent_run_id"] == before["parent_run_id"]
    runs = old.client.search_runs(["1"], "tags.`finesweep.sweep` = 'old'", max_results=100)
    trials = {
        int(run.data.tags["finesweep.trial_number"]): run.data.params
        for run in runs
        if run.data.tags["finesweep.kind"] == "trial"
    }
    assert sorted(trials) == [0, 1, 2, 3, 4]
    assert ["activation_cache" in trials[number] for number in range(5)] == [False] * 4 + [True]
    assert trials[4].keys() - {"activation_cache"} >= trials[0].keys() - {"prefix_cache"}
    assert [run.info.status for run in runs] == ["FINISHED"] * len(runs)
