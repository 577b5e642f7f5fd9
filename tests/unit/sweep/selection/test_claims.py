"""A study looks up what it claims: what was deleted in MLflow is made again by the same command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.stores import copy_project, put_stores
from tests.sweeping import Sweeping

from finesweep.sweep.study.keys import PARENT_RUN_ID, REGISTERED
from finesweep.sweep.study.study import finalist_in
from finesweep.tracking import PARENT

pytestmark = [
    pytest.mark.xdist_group("claims"),
    pytest.mark.slow,  # a sweep of two trials
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
SWEEP = """\
# @package sweep
n_trials: 2
params:
  dataset: local
  dataset.path: {texts}
  dataset.max_length: 16
  model.name_or_path: {model}
  training.epochs: 1
  training.batch_size: 32
  training.precision: fp32
  training.learning_rate: tag(log, interval(1e-3, 0.02))
confirm: {{top_k: 1, seeds: 0}}
register: {{name: own-model, alias: challenger}}
"""


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, texts_csv: Path, empty_stores: Path
) -> Sweeping:
    made = Sweeping(tmp_path_factory.mktemp("finished"))
    put_stores(empty_stores, made.folder)
    (made.folder / "sweeps").mkdir()
    (made.folder / "sweeps" / "own.yaml").write_text(SWEEP.format(texts=texts_csv, model=tiny_bert))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        _, gone = made.sweep()
    assert gone == []
    return made


@pytest.fixture
def own(finished: Sweeping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweeping:
    """A copy of the finished sweep, of which each test deletes something."""
    copy_project(finished.folder, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    copy = Sweeping(tmp_path / "own")
    assert copy.sweep()[1] == []
    return copy


def version(own: Sweeping) -> tuple[str, str]:
    """Number and model of what bears the alias."""
    found = own.client.get_model_version_by_alias("own-model", "challenger")
    return str(found.version), str(found.source)


def test_a_registered_model_that_was_deleted_is_registered_again(own: Sweeping) -> None:
    before = version(own)
    own.client.delete_registered_model("own-model")
    study, gone = own.sweep()
    assert gone == ["own-model version 1"]
    assert version(own) == before
    assert own.sweep()[1] == []
    assert study.user_attrs[REGISTERED]["version"] == "1"


def test_an_alias_that_was_moved_on_is_left_where_it_is(own: Sweeping) -> None:
    own.client.delete_registered_model_alias("own-model", "challenger")
    assert own.sweep()[1] == []
    assert own.client.get_registered_model("own-model").aliases == {}


def test_a_store_that_was_deleted_gets_the_winner_again(own: Sweeping) -> None:
    (study, _), former = own.sweep(), own.client
    known = finalist_in(study.user_attrs)
    assert known is not None
    for file in (own.folder / "mlruns").glob("mlflow*"):
        file.rename(own.folder / file.name)
    shutil.rmtree(own.folder / "mlruns" / "artifacts")
    anew = Sweeping(own.folder.rename(own.folder.with_name("anew")))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(anew.folder)
        study, gone = anew.sweep()
    assert gone == ["the sweep's own run", "the winner's run or model", "own-model version 1"]
    finalist = finalist_in(study.user_attrs)
    assert finalist is not None
    assert finalist.test_metrics == known.test_metrics
    run = anew.client.get_run(finalist.run_id)
    assert (run.info.status, run.data.tags["finesweep.trial_state"]) == ("FINISHED", "COMPLETE")
    assert run.data.tags[PARENT] == study.user_attrs[PARENT_RUN_ID]
    assert run.data.params["training.batch_size"] == "32"
    assert version(anew) == ("1", finalist.model_uri)
    assert former is not anew.client


def test_the_parent_run_that_was_deleted_is_made_again_above_its_children(own: Sweeping) -> None:
    study, _ = own.sweep()
    former, experiment = study.user_attrs[PARENT_RUN_ID], own.client.search_experiments()
    own.client.delete_run(former)
    study, gone = own.sweep()
    assert gone == ["the sweep's own run"]
    parent = own.client.get_run(study.user_attrs[PARENT_RUN_ID])
    assert parent.info.run_id != former
    assert (parent.info.status, parent.data.tags["finesweep.winner_trial"]) == (
        "FINISHED",
        str(finalist_in(study.user_attrs).trial),  # type: ignore[union-attr]
    )
    runs = own.client.search_runs([each.experiment_id for each in experiment])
    kinds = {
        run.data.tags["finesweep.kind"]
        for run in runs
        if run.data.tags.get(PARENT) == parent.info.run_id
    }
    assert kinds == {"trial", "baseline"}
    assert not [run for run in runs if run.data.tags.get(PARENT) == former]


def test_the_winners_run_that_was_deleted_is_made_again(own: Sweeping) -> None:
    study, _ = own.sweep()
    known = finalist_in(study.user_attrs)
    assert known is not None
    own.client.delete_run(known.run_id)
    study, gone = own.sweep()
    assert gone == ["the winner's run or model"]
    finalist = finalist_in(study.user_attrs)
    assert finalist is not None
    assert finalist.run_id != known.run_id
    tags = own.client.get_run(finalist.run_id).data.tags
    assert tags["finesweep.sweep"] == study.study_name
    assert version(own) == ("2", finalist.model_uri)
    assert own.sweep()[1] == []
