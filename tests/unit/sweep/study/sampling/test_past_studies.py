"""The finished studies of the storage that a sweep's sampler learns from."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from tests.unit.sweep.conftest import PlanOf
from tests.unit.sweep.study.sampling.test_samplers import SPACE

from finesweep.errors import ConfigError
from finesweep.sweep.study.keys import DEFINITION, PAST_STUDIES
from finesweep.sweep.study.sampling.past_studies import chosen_studies, past_trials

pytestmark = pytest.mark.slow


@pytest.fixture
def storage(tmp_path: Path) -> optuna.storages.BaseStorage:
    """Four studies: of the loss with 5 trials, with 3, a confirmation, and one of accuracy."""
    storage = optuna.storages.get_storage(f"sqlite:///{tmp_path / 'past.db'}")
    for name, metric, n_trials in (
        ("old", "validation/loss", 5),
        ("short", "validation/loss", 3),
        ("old+confirmation", "validation/loss", 5),
        ("accurate", "validation/accuracy", 5),
    ):
        study = optuna.create_study(study_name=name, storage=storage)
        study.set_user_attr(DEFINITION, {"sweep.metric": metric})
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=n_trials)
    return storage


def test_auto_is_the_studies_of_the_same_metric(
    plan_of: PlanOf, storage: optuna.storages.BaseStorage
) -> None:
    assert chosen_studies(plan_of(SPACE), storage) == ["old"]


def test_null_is_none_and_a_list_is_taken_by_name(
    plan_of: PlanOf, storage: optuna.storages.BaseStorage
) -> None:
    assert chosen_studies(plan_of(SPACE, "sweep.learn_from=null"), storage) == []
    assert chosen_studies(plan_of(SPACE, "sweep.learn_from=[short]"), storage) == ["short"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("olt", r"no study 'olt' in this storage; did you mean 'old'\?"),
        ("accurate", r"study 'accurate' has validation/accuracy as its metric, not validation/los"),
    ],
)
def test_a_study_that_cannot_be_learned_from_is_refused(
    plan_of: PlanOf, storage: optuna.storages.BaseStorage, name: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        chosen_studies(plan_of(SPACE, f"sweep.learn_from=[{name}]"), storage)


def test_anything_else_is_refused(plan_of: PlanOf) -> None:
    with pytest.raises(ConfigError, match=r"sweep\.learn_from: 'all' given; takes auto, a list"):
        plan_of(SPACE, "sweep.learn_from=all")


def test_a_study_keeps_the_names_and_a_deleted_one_is_left_out(
    storage: optuna.storages.BaseStorage,
) -> None:
    study = optuna.create_study(study_name="new", storage=storage)
    assert past_trials(study) == []
    study.set_user_attr(PAST_STUDIES, ["old", "short"])
    optuna.delete_study(study_name="short", storage=storage)

    (trials,) = past_trials(study)

    assert len(trials) == 5
