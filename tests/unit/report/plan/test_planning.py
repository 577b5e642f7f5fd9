"""A plan of a real sweep of tiny models: measured, and without a trace but the tokens."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from finesweep.cli.sweeps import plan as command
from finesweep.config import compose, compose_sweep
from finesweep.errors import ConfigError
from finesweep.report.plan.draws import N_RANDOM, drawn
from finesweep.report.plan.planning import ONE_DEVICE, TEACHER, uncounted

pytestmark = pytest.mark.slow

SWEEP = """\
# @package sweep
n_trials: 4
sampler: {{_target_: optuna.samplers.RandomSampler, seed: 1}}
portfolio: 0
enqueue:
  - {{training.learning_rate: 0.01, training.epochs: 2}}
params:
  dataset: local
  dataset.path: {texts}
  dataset.max_length: choice(16, 24)
  model.name_or_path: {model}
  training.epochs: range(1, 3)
  training.batch_size: 16
  training.precision: fp32
  training.learning_rate: tag(log, interval(1e-4, 0.02))
confirm: null
"""


@pytest.fixture
def tiny_sweep(workplace: Path, tiny_bert: Path, texts_csv: Path) -> None:
    (workplace / "sweeps").mkdir()
    text = SWEEP.format(texts=texts_csv, model=tiny_bert)
    (workplace / "sweeps" / "own.yaml").write_text(text)


@pytest.mark.usefixtures("tiny_sweep")
def test_a_plan_measures_each_length_and_leaves_only_tokens(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1,2")
    assert command.run(["own", "--json", "plan.price_per_hour=2"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [each["max_length"] for each in plan["measured"]] == [16, 24]
    assert all(each["step_seconds"] > 0 for each in plan["measured"])
    assert all(each["peak_bytes"] > each["row_bytes"] >= 0 for each in plan["measured"])
    assert [each["workers"] for each in plan["options"]] == [1, 2, 4, 8]
    for each in plan["options"]:
        low, high = each["seconds_pruned"]
        assert 0 < low <= high <= each["seconds"]
        assert each["cost"] == pytest.approx((low + high) / 3600)
    assert plan["disk"]["tokens"] > 0
    assert plan["warnings"] == []
    made = sorted(path.name for path in (workplace / "mlruns").rglob("*") if path.is_file())
    assert {"mlflow.db", "optuna.db"} & set(made) == set()
    assert sorted(path.name for path in (workplace / "mlruns" / "cache").iterdir()) == ["tokens"]


def test_what_is_left_out_of_account_is_said() -> None:
    alone = compose([]).config
    several = replace(alone, launcher=replace(alone.launcher, devices_per_trial=2))
    taught = replace(alone, training=replace(alone.training, teacher="models:/own/3"))
    assert uncounted([alone]) == []
    assert uncounted([alone, several]) == [ONE_DEVICE]
    assert uncounted([alone, taught]) == [TEACHER]


@pytest.mark.usefixtures("tiny_sweep")
def test_the_first_draws_are_the_enqueued_and_the_others_the_samplers() -> None:
    draws = drawn(compose_sweep("own", []))
    (first,) = draws.first
    assert (first.config.training.learning_rate, first.config.training.epochs) == (0.01, 2)
    assert len(draws.others) == N_RANDOM
    epochs = [each.config.training.epochs for each in draws.others]
    assert set(epochs) == {1, 2}
    assert {each.config.dataset.max_length for each in draws.others} == {16, 24}
    assert draws == drawn(compose_sweep("own", []))


@pytest.mark.usefixtures("tiny_sweep")
def test_the_draws_of_a_grid_are_its_points() -> None:
    grid = "sweep.sampler={_target_: optuna.samplers.GridSampler}"
    rates = "training.learning_rate=choice(0.001, 0.01)"
    draws = drawn(compose_sweep("own", [grid, rates, "sweep.n_trials=null"]))
    (first,) = draws.first
    assert (first.config.training.learning_rate, first.config.training.epochs) == (0.01, 2)
    assert len(draws.others) == 2 * 2 * 2 - 1
    assert len({repr(each.config) for each in (*draws.first, *draws.others)}) == 8
    only = drawn(compose_sweep("own", [grid, rates, "sweep.n_trials=1"]))
    assert len(only.first) == len(only.others) == 1


@pytest.mark.usefixtures("workplace")
def test_what_a_sweep_would_refuse_a_plan_refuses() -> None:
    with pytest.raises(ConfigError, match=r"^sweep: no sweep 'dmo'; did you mean 'demo'"):
        command.run(["dmo"])
    with pytest.raises(ConfigError, match=r"^plan\.price_per_hour: -1\.0 given; must be at least"):
        command.run(["demo", "plan.price_per_hour=-1"])
