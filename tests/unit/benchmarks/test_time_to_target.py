"""The benchmark of the time to the target: what it runs again, when it stops, what it reports."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from finesweep.config import Searched, compose_sweep
from finesweep.sweep.study.search_space import distribution, in_force

pytestmark = pytest.mark.slow

SIZES = {"train": 30, "validation": 20}


def a_record(
    peer: str = "tpe", dataset: str = "sst2", seed: int = 0, **given: Any
) -> dict[str, Any]:
    """A sweep of three trials: losses 0.6, 0.5 and 0.55 after 10, 40 and 100 seconds."""
    losses = given.pop("losses", [0.6, 0.5, 0.55])
    ends = given.pop("ends", [10.0, 40.0, 100.0])
    best = list(itertools.accumulate(losses, min))
    trajectory = [
        {"cpu": end, "wall": 2 * end, "loss": loss, "best": so_far, "state": "COMPLETE"}
        for end, loss, so_far in zip(ends, losses, best, strict=True)
    ]
    record = {"dataset": dataset, "seed": seed, "peer": peer, "chance": 0.7, "fresh": [0.5, 0.6]}
    return record | {"trajectory": trajectory, "sizes": SIZES} | given


def test_the_ratio_is_the_references_whole_time_over_the_time_to_its_best_loss() -> None:
    from target.report import ratio

    ours = a_record("finesweep", losses=[0.55, 0.49], ends=[5.0, 25.0])
    assert ratio(ours, a_record(), "cpu") == pytest.approx(4.0)
    assert ratio(ours, a_record(), "wall") == pytest.approx(4.0)
    assert ratio(a_record(), a_record(), "cpu") == pytest.approx(2.5)


def test_a_sweep_that_misses_the_target_counts_below_every_other() -> None:
    from target.report import report

    reached = [a_record("finesweep", seed=k, losses=[0.5], ends=[20.0]) for k in (0, 1)]
    missed = a_record("finesweep", seed=2, losses=[0.51], ends=[20.0])
    printed = report([*(a_record(seed=k) for k in range(3)), *reached, missed])
    (line, *_) = [line for line in printed.splitlines() if line.split()[:2] == ["finesweep", "all"]]
    assert line.split()[2:] == ["3", "1", "missed", "5.00", "5.00"]


def test_the_anytime_table_reads_losses_at_shares_of_the_references_time() -> None:
    from target.report import report

    ours = a_record("finesweep", losses=[0.6, 0.5], ends=[15.0, 20.0])
    lines = report([a_record(), ours]).splitlines()
    table = lines[next(k for k, line in enumerate(lines) if line.startswith("best loss so far")) :]
    # 0.6 lies halfway from the target, 0.5, to the classes' shares, 0.7.
    assert table[1].split()[2:] == ["10%", "20%", "40%", "70%", "100%"]
    assert table[2].split() == ["tpe", "1", "0.50", "0.50", "0.00", "0.00", "0.00"]
    assert table[3].split() == ["finesweep", "1", "1.00", "0.00", "0.00", "0.00", "0.00"]


def test_winners_are_compared_by_fresh_seeds_with_an_interval_over_sets() -> None:
    from target.report import interval, report

    theirs = [a_record(dataset=name) for name in ("imdb", "sst2")]
    ours = [
        a_record("finesweep", "imdb", fresh=[0.5, 0.5]),
        a_record("finesweep", "sst2", fresh=[0.6, 0.64]),
    ]
    line = report([*theirs, *ours]).splitlines()[-1].split()
    assert line[:5] == ["finesweep", "2", "0.5000", "0.5600", "+0.0100"]
    assert interval([-0.05, 0.07]) == pytest.approx((-0.7524, 0.7724), abs=1e-3)


def test_the_report_shows_how_fast_the_machine_was_beside_each_peer() -> None:
    from target.report import report

    printed = report([a_record(pace=[40.0, 50.0]), a_record("gp", pace=[90.0, 60.0])])
    assert [line.split() for line in printed.splitlines()[-2:]] == [["tpe", "45.0"], ["gp", "75.0"]]


def test_a_report_without_the_reference_says_so() -> None:
    from target.report import report

    assert report([a_record("gp")]).startswith("no results with peer tpe yet")


@pytest.mark.parametrize("name", ["curves.svg", "curves.png"])
def test_the_picture_has_a_panel_for_each_set(tmp_path: Path, name: str) -> None:
    from target.picture import draw

    draw([a_record(), a_record("finesweep"), a_record(dataset="imdb")], tmp_path / name)
    written = (tmp_path / name).read_bytes()
    assert len(written) > 5000
    if name.endswith(".svg"):
        assert all(f"<!-- {title} -->".encode() in written for title in TITLES)


TITLES = ("sst2 (1 sweeps)", "imdb (1 sweeps)", "all sets (2 sweeps)")


def test_results_survive_a_cut_last_line_and_refuse_other_sizes(tmp_path: Path) -> None:
    from target.results import Results

    path = tmp_path / "results.jsonl"
    Results(path, SIZES).add(a_record())
    with path.open("a") as file:
        file.write('{"dataset": "imdb", "se')
    again = Results(path, SIZES)
    assert list(again.records) == [("sst2", 0, "tpe")]
    again.add(a_record(dataset="imdb"))
    assert set(Results(path, SIZES).records) == {("sst2", 0, "tpe"), ("imdb", 0, "tpe")}
    with pytest.raises(ValueError, match="holds runs with"):
        Results(path, {"train": 300, "validation": 20})


def test_a_sweep_is_over_at_its_target_or_at_the_end_of_its_budget() -> None:
    from target.clock import Seconds
    from target.task import Task, Trajectory

    now = [0.0]
    task = Task("sst2", 0, "gp", "", target=0.5, budget=30.0)
    trajectory = Trajectory(task, lambda: Seconds(now[0], 0.0))
    trajectory.add(None, "PRUNED", {"rate": 1})
    trajectory.add(0.6, "COMPLETE", {"rate": 2})
    assert not trajectory.is_over()
    now[0] = 30.0
    assert trajectory.is_over()
    now[0] = 20.0
    trajectory.add(0.5, "COMPLETE", {"rate": 3})
    trajectory.add(0.55, "COMPLETE", {"rate": 4})
    assert trajectory.is_over()
    assert trajectory.winner == {"rate": 3}
    assert [end.best for end in trajectory.ends] == [None, 0.6, 0.5, 0.5]


def test_the_clock_counts_a_living_childs_cpu_seconds_and_a_finished_ones() -> None:
    from target.clock import Clock

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    clock, own = Clock(), time.process_time()
    child = context.Process(target=burn, args=(theirs,))
    child.start()
    assert ours.recv() == "burned"
    assert clock.read().cpu - (time.process_time() - own) > 0.4
    ours.send("end")
    child.join()
    assert clock.read().cpu - (time.process_time() - own) > 0.4


def burn(parent: Connection) -> None:
    while time.process_time() < 0.5:
        pass
    parent.send("burned")
    parent.recv()


@pytest.mark.parametrize("model", ["minilm", "distil_minilm"])
def test_finesweeps_space_is_the_peers(workplace: Path, model: str) -> None:
    from target.space import PATHS, suggest, sweep_file

    (workplace / "sweeps").mkdir()
    (workplace / "sweeps" / "target.yaml").write_text(sweep_file("sst2", workplace))
    plan = compose_sweep("target", [])
    study = optuna.create_study()
    study.enqueue_trial({"model": model})
    trial = study.ask()
    suggest(trial)
    theirs = {PATHS[name.split()[0]]: each for name, each in trial.distributions.items()}
    dimensions = [item for item in in_force(plan, {"model": model}) if isinstance(item, Searched)]
    assert {item.path: distribution(item.dimension) for item in dimensions} == theirs


def test_a_seed_draws_its_own_rows_the_same_each_time(tmp_path: Path) -> None:
    from target.rows import read_data, write_rows

    table = pd.DataFrame({"text": [f"text {k}" for k in range(100)], "label": [0, 1] * 50})
    for name in SIZES:
        table.to_parquet(tmp_path / f"{name}.parquet")
    data = read_data(str(tmp_path))
    drawn = {}
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        chance = write_rows(data, tmp_path / folder, seed=seed, sizes=SIZES)
        assert 0.6 < chance <= 0.6932
        drawn[folder] = pd.read_parquet(tmp_path / folder / "train.parquet")
    assert len(drawn["a"]) == 30
    assert drawn["a"].equals(drawn["b"])
    assert not drawn["a"].equals(drawn["c"])


def test_what_the_results_hold_is_not_run_again(tmp_path: Path, benchmarks: Path) -> None:
    path = tmp_path / "results.jsonl"
    whole: dict[str, Any] = {"target": None, "budget": None, "overrides": []}
    path.write_text(json.dumps(a_record(dataset="tweets", **whole)) + "\n")
    sizes = ("--train", "30", "--validation", "20")
    command = ("tweets", "--results", path, "--peers", "tpe", "--seeds", "0", "--report", *sizes)
    script = benchmarks / "time_to_target.py"
    done = subprocess.run(
        [sys.executable, str(script), *map(str, command)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(path.read_text().splitlines()) == 1
    assert "tpe                     tweets" in done.stdout
