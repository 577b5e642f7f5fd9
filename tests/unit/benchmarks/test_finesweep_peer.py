"""finesweep as a peer of the benchmark: real trainings of a tiny model, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stores import put_stores
from tests.sweeping import Sweeping

from finesweep.config import SweepPlan, compose_sweep
from finesweep.sweep.parent_run import parent_of
from finesweep.sweep.study.portfolio.first_trials import first_trials
from finesweep.sweep.study.study import open_study

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
SWEEP = """\
# @package sweep
n_trials: 3
params:
  dataset: local
  dataset.path: {texts}
  dataset.max_length: 16
  model.name_or_path: {model}
  training.epochs: 1
  training.batch_size: 32
  training.precision: fp32
  training.learning_rate: tag(log, interval(1e-3, 0.02))
"""


@pytest.fixture
def plan(
    workplace: Path, own_files: None, tiny_bert: Path, texts_csv: Path, empty_stores: Path
) -> SweepPlan:
    from target.finesweep_peer import NAME, seeded_plan

    put_stores(empty_stores, workplace)
    (workplace / "sweeps").mkdir()
    text = SWEEP.format(texts=texts_csv, model=tiny_bert)
    (workplace / "sweeps" / f"{NAME}.yaml").write_text(text)
    return seeded_plan(Sweeping(workplace).places, 2)


def test_the_search_stops_at_the_first_trial_that_reaches_the_target(plan: SweepPlan) -> None:
    from target.clock import Clock
    from target.finesweep_peer import fresh_losses, search
    from target.task import Task

    study = open_study(plan)
    with parent_of(plan, study):
        pass
    task = Task("texts", 2, "finesweep", "", target=10.0, budget=1000.0)
    trajectory, setup = search(plan, task, Clock())
    (trial,) = trajectory.ends
    assert trial.loss == trial.best == study.best_value < 10
    assert 0 < trial.cpu < 1000
    assert setup > 0
    assert trajectory.winner is not None
    assert list(trajectory.winner) == ["training.learning_rate"]
    first, second = fresh_losses(plan, study)
    assert len({trial.loss, first, second}) == 3


def test_the_sweeps_own_sampler_gets_the_seed(plan: SweepPlan) -> None:
    assert plan.settings.sampler["seed"] == 2000
    assert plan.settings.sampler["_target_"] == "finesweep.samplers.TransferSampler"
    assert plan.study_name == "target-2"


def test_a_sets_own_files_replace_the_packaged_portfolios(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from target.finesweep_peer import NAME, make_project
    from target.task import Task

    (workplace / "own" / "portfolios").mkdir(parents=True)
    (workplace / "own" / "portfolios" / "minilm.yaml").write_text(
        "encoder: {model_type: bert, n_layers: 6, hidden_size: 384}\n"
        "origin: without the set\nsettings: [{training.learning_rate: 1.25e-4}]\n"
    )
    task = Task("sst2", 0, "finesweep", str(workplace), files=str(workplace / "own"))
    monkeypatch.chdir(make_project(task))
    first = first_trials(compose_sweep(NAME, ["model=minilm"]))
    assert [params["training.learning_rate"] for params in first.params] == [1.25e-4]
