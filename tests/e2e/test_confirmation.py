"""A sweep whose best are trained again: who wins, what it leaves, and what a kill costs."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Project
from tests.e2e.workers import Break, begin, code_of, work

pytestmark = pytest.mark.slow
CONFIRMED = (
    "sweep.n_trials=2",
    "sweep.confirm={top_k: 2, seeds: 2}",
    "training.epochs=1",
    "training.evaluations_per_epoch=1",
)
COMBINE = "sweep.confirm={top_k: 2, seeds: 2, soup: true, ensemble: true}"
COMBINED = ("soup", "ensemble")
NEVER_PRUNED = "sweep.pruner.n_startup_trials=9"
BROKEN: list[Break] = [
    ("finesweep.sweep.worker.phases", "make_confirmation", "after"),
    ("finesweep.sweep.worker.phases", "add_seed_slots", "after"),
    ("finesweep.sweep.worker.phases", "Confirmation.spec", "after"),
    ("finesweep.sweep.worker.checkpoints", "SlotCheckpoints.save_model", "after"),
    ("finesweep.sweep.worker.phases", "Confirmation.completed", "before"),
    ("finesweep.sweep.worker.loop", "WorkerLoop._clean_up", "after"),
    ("finesweep.sweep.selection.registration", "combine_seeds", "after"),
    ("finesweep.sweep.selection.registration", "evaluate_winner", "after"),
]


def status(project: Project) -> dict[str, Any]:
    told = project.finesweep("status", "small", "--json")
    assert told.returncode == 0, told.stderr
    return dict(json.loads(told.stdout))


def assert_confirmed(project: Project) -> None:
    """Two configurations, each with at least one seed; the winner's run alone saw the test split,
    and its weights alone are registered."""
    runs = project.client.search_runs(["1"], max_results=100)
    kinds = Counter(run.data.tags["finesweep.kind"] for run in runs)
    assert (kinds["sweep"], kinds["trial"], kinds["baseline"]) == (1, 2, 1)
    trials = [run for run in runs if run.data.tags["finesweep.kind"] == "trial"]
    assert not [run for run in trials if "test/loss" in run.data.metrics]
    finished = [run for run in runs if run.info.status == "FINISHED"]
    confirmations = [r for r in finished if r.data.tags["finesweep.kind"] == "confirmation"]
    rows = status(project)["confirmed"]
    assert sum(row["n_seeds"] for row in rows) == len(confirmations)
    assert [row["n_seeds"] >= 1 for row in rows] == [True, True]
    still_in = [row for row in rows if not row["dropped"]]
    assert still_in[0]["mean"] == min(row["mean"] for row in still_in)
    looked = [
        run
        for run in finished
        if "test/look" in run.data.metrics and run.data.tags["finesweep.kind"] != "sweep"
    ]
    own = [
        run
        for run in confirmations
        if run.data.tags["finesweep.confirms"] == str(still_in[0]["trial"])
    ]
    best = min(own, key=lambda run: min(_losses(project, run.info.run_id))).info.run_id
    tried = status(project)["combination"]
    if tried is not None and tried["chosen"] != "best seed":
        (combined,) = [run for run in finished if run.data.tags["finesweep.kind"] in COMBINED]
        assert best in combined.data.tags["finesweep.members"].split()
        best = combined.info.run_id
    assert [run.info.run_id for run in looked] == [best]
    (version,) = project.client.search_model_versions("name='small-model'")
    assert version.run_id == best
    assert not [run for run in runs if run.info.status == "RUNNING"]


def _losses(project: Project, run_id: str) -> list[float]:
    return [each.value for each in project.client.get_metric_history(run_id, "validation/loss")]


def test_the_best_are_trained_again_and_the_best_mean_wins(project: Project) -> None:
    done = project.finesweep("sweep", "small", *CONFIRMED, NEVER_PRUNED, "workers=2")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "confirmed with fresh seeds" in done.stdout
    assert_confirmed(project)
    seeds = {
        run.data.params["training.seed"]
        for run in project.client.search_runs(["1"])
        if run.data.tags["finesweep.kind"] in ("trial", "confirmation")
    }
    assert len(seeds) == 4  # two of the search, two that all confirmed share
    again = project.finesweep("sweep", "small", *CONFIRMED, NEVER_PRUNED)
    assert again.returncode == 0
    assert "confirmation " not in again.stdout  # nothing was left to do
    assert_confirmed(project)
    gone = project.finesweep("delete", "small", "--runs", "--yes")
    assert gone.returncode == 0, gone.stderr
    assert not list((project.folder / "mlruns" / "checkpoints").glob("small*"))
    assert project.finesweep("status", "small").returncode == 2


def test_workers_killed_while_they_confirm_leave_what_the_next_one_ends(project: Project) -> None:
    begin(project, *CONFIRMED, COMBINE, NEVER_PRUNED, "sweep.report=true")
    log = project.folder / "worker.log"
    for broken in BROKEN:
        assert code_of(work(project, broken=broken)) == -signal.SIGKILL, (broken, log.read_text())
    assert code_of(work(project)) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert_confirmed(project)
    tried = status(project)["combination"]
    assert set(tried["values"]) == {"best seed", "uniform soup", "greedy soup", "ensemble"}
    (sweep,) = project.client.search_runs(["1"], "tags.`finesweep.kind` = 'sweep'")
    report = Path(project.client.download_artifacts(sweep.info.run_id, "report.html")).read_text()
    assert "Confirmed with fresh seeds" in report  # made by the last worker: nothing coordinates
