"""Two models are compared by what their best trials answer to the same validation rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna import Study
from optuna.trial import FrozenTrial, TrialState
from tests.unit.sweep.selection.conftest import SpentSweep
from tests.unit.sweep.studies import add_trial

from finesweep.config import SweepPlan
from finesweep.sweep.comparisons import Contender, ModelComparison
from finesweep.sweep.selection import model_comparison as module
from finesweep.sweep.selection.model_comparison import (
    best_by_model,
    compare_models,
    unlike_pairs,
)
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.study.keys import (
    COMPARISONS,
    DATA_FINGERPRINT,
    MODEL,
    N_TRIALS,
    UID,
    VALUES,
)
from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.predictions import write_predictions

N_ROWS = 40


@pytest.fixture(autouse=True)
def _costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model's latency is not measured here: that loads it."""

    def contender(plan: SweepPlan, trial: FrozenTrial, n_trials: int) -> Contender:
        return Contender(trial.user_attrs[MODEL], trial.number, n_trials, 1.5, 1000)

    monkeypatch.setattr(module, "_contender", contender)


def answer(
    store: TrackingStore, study: Study, number: int, folder: Path, *, wrong: range, n: int = N_ROWS
) -> str:
    """Run of a trial that answered N rows of two classes, all but these right."""
    labels = np.arange(n) % 2
    said = np.where(np.isin(np.arange(n), wrong), 1 - labels, labels)
    (folder / "validation").mkdir(parents=True, exist_ok=True)
    write_predictions(folder / "validation", labels, np.eye(2)[said] * 0.8 + 0.1, ["no", "yes"])
    run = start_run(
        store, name="trial", tags={"finesweep.uid": f"{study.user_attrs[UID]}/{number}"}
    )
    run.log_folder(folder)
    return run.run_id


def compared(demo: SweepPlan, study: Study, store: TrackingStore) -> list[ModelComparison]:
    state = read_state(study)
    return compare_models(demo, state, store, unlike_pairs(demo, best_by_model(state)))


def test_the_better_of_two_models_is_told_by_how_much(
    demo: SweepPlan, store: TrackingStore, spent_sweep: SpentSweep, tmp_path: Path
) -> None:
    study = spent_sweep([("small", 0.3), ("large", 0.2), ("small", 0.5), ("small", None)])
    answer(store, study, 0, tmp_path, wrong=range(10))
    answer(store, study, 1, tmp_path, wrong=range(2))
    (made,) = compared(demo, study, store)
    assert made.first == Contender("large", 1, 1, 1.5, 1000)
    assert made.second == Contender("small", 0, 3, 1.5, 1000)
    assert (made.rows, made.accuracies) == (N_ROWS, (0.95, 0.75))
    assert (made.n_gained, made.n_lost) == (8, 0)
    assert made.p == pytest.approx(2 * 0.5**8)  # eight coins that fall on one side
    assert made.f1[0] == pytest.approx(0.2, abs=0.01)
    assert made.f1[1] < made.f1[0] < made.f1[2]
    assert made.loss[0] == pytest.approx(-0.2 * np.log(9))


def test_of_three_models_each_pair_is_compared_and_p_is_adjusted(
    demo: SweepPlan, store: TrackingStore, spent_sweep: SpentSweep, tmp_path: Path
) -> None:
    study = spent_sweep([("a", 0.1), ("b", 0.2), ("c", 0.3)])
    for number, n_wrong in enumerate((0, 8, 8)):
        answer(store, study, number, tmp_path, wrong=range(n_wrong))
    made = compared(demo, study, store)
    pairs = [(each.first.model, each.second.model) for each in made]
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]
    p = 2 * 0.5**8
    assert [each.p for each in made] == pytest.approx([3 * p, 3 * p, 1.0])


def test_models_that_answered_other_numbers_of_rows_are_not_compared(
    demo: SweepPlan, store: TrackingStore, spent_sweep: SpentSweep, tmp_path: Path
) -> None:
    study = spent_sweep([("a", 0.1), ("b", 0.2)])
    answer(store, study, 0, tmp_path, wrong=range(1))
    answer(store, study, 1, tmp_path, wrong=range(1), n=N_ROWS + 2)
    assert compared(demo, study, store) == []


def test_models_whose_validation_rows_differ_are_not_compared(
    demo: SweepPlan, store: TrackingStore, tmp_path: Path
) -> None:
    study = optuna.create_study(study_name="rows")
    study.set_user_attr(UID, "rows")
    study.set_user_attr(N_TRIALS, 3)
    varied = (
        {"dataset.seed": 1},
        {"dataset.seed": 2},
        {"dataset.seed": 1, "dataset.train_size": 100},
    )
    for number, values in enumerate(varied):
        own = {MODEL: "abc"[number], VALUES: values, DATA_FINGERPRINT: str(number)}
        add_trial(study, TrialState.COMPLETE, 0.1 * number, **own)
        answer(store, study, number, tmp_path, wrong=range(number))
    (made,) = compared(demo, study, store)
    assert (made.first.model, made.second.model) == ("a", "c")  # only train differs
    best = best_by_model(read_state(study))
    assert unlike_pairs(demo, best) == [("a", "b"), ("b", "c")]


def test_one_model_is_compared_with_none(
    demo: SweepPlan, store: TrackingStore, spent_sweep: SpentSweep
) -> None:
    assert compared(demo, spent_sweep([("a", 0.1), ("a", 0.2), ("b", None)]), store) == []


def test_what_was_found_before_a_run_was_deleted_is_kept_of_the_same_trials(
    demo: SweepPlan, store: TrackingStore, spent_sweep: SpentSweep, tmp_path: Path
) -> None:
    study = spent_sweep([("a", 0.1), ("b", 0.2)])
    answer(store, study, 0, tmp_path, wrong=range(2))
    deleted = answer(store, study, 1, tmp_path, wrong=range(9))
    made = compared(demo, study, store)
    store.client.delete_run(deleted)
    others = asdict(made[0]) | {"first": asdict(Contender("a", 7, 1, 1.0, 1))}
    study.set_user_attr(COMPARISONS, [asdict(made[0]), others])
    (kept,) = compared(demo, study, store)
    assert (kept.first, kept.p, kept.n_gained) == (made[0].first, made[0].p, 7)


def test_the_best_model_comes_first(spent_sweep: SpentSweep) -> None:
    study = spent_sweep([("a", 0.4), ("b", 0.3), ("a", 0.1), ("b", 0.2), ("c", None)])
    best = best_by_model(read_state(study))
    assert [(model, trial.number) for model, trial in best.items()] == [("a", 2), ("b", 3)]
