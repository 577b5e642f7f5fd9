"""What a study says about its sweep, to the letter, and when nothing is left to do."""

from __future__ import annotations

import io
import json
import shlex
import time
import uuid
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from optuna import Study
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial
from rich.console import Console
from tests.unit.sweep.studies import new_study

from finesweep.cli.screens.sweep_report import print_outcome
from finesweep.config import RegisterConfig, TrackingConfig
from finesweep.records import Direction
from finesweep.sweep.selection.claims import is_finished_sweep
from finesweep.sweep.selection.confirmation import add_seed_slots, make_confirmation
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.sentences import next_commands
from finesweep.sweep.status import Row, command_of, leaderboard, status_of, with_aliases_of_now
from finesweep.sweep.study.keys import (
    BEST_RUN,
    DEFINITION,
    FINALIST,
    GIVEN,
    GRID,
    MODEL,
    N_TRIALS,
    ORIGIN,
    PARENT_RUN_ID,
    REASON,
    REGISTERED,
    RETRY,
    SLOT,
    SWEEP,
    TIME_BUDGET,
)
from finesweep.sweep.study.ranking import direction_of
from finesweep.sweep.time_budget import TimeBudget
from finesweep.tracking import TrackingStore, start_run

pytestmark = pytest.mark.slow

SPACE = {
    "training.learning_rate": FloatDistribution(0, 1),
    "model.freeze_layers|model=bert": IntDistribution(0, 12),
}
PARAMS = {"training.learning_rate": 0.5, "model.freeze_layers|model=bert": 2}
PLAIN = {"training.learning_rate": 0.5, "model.freeze_layers": 2}
MADE = {"name": "m", "version": "3", "alias": "challenger", "model_uri": "models:/m-1"}
WANTED = RegisterConfig("m", "challenger")


def study_of(n_trials: int, direction: Direction = "minimize") -> Study:
    definition = {"sweep.metric": "validation/f1", "sweep.direction": direction}
    known = {SWEEP: "own", DEFINITION: definition}
    return new_study(name="own-2", n_trials=n_trials, direction=direction, **known)


def add(study: Study, state: TrialState, value: float | None = None, **attributes: Any) -> None:
    number = len(study.trials)
    own = {SLOT: number, MODEL: "bert"}
    trial = create_trial(
        state=state,
        value=value,
        params=PARAMS,
        distributions=SPACE,
        user_attrs=own | attributes,
    )
    if state.is_finished():
        trial.datetime_start = datetime(2026, 1, 1, tzinfo=UTC)
        trial.datetime_complete = trial.datetime_start + timedelta(seconds=90)
    study.add_trial(trial)


def finalist(trial: int, model_uri: str = "models:/m-1") -> dict[str, Any]:
    return {
        "trial": trial,
        "run_id": f"run-{trial}",
        "model_uri": model_uri,
        "test_metrics": {},
        "majority_accuracy": 0.5,
        "test_rows": 1,
        "max_length": 8,
    }


def test_the_status_has_these_fields_and_no_others() -> None:
    study = study_of(7)
    add(study, TrialState.COMPLETE, 0.5)
    add(study, TrialState.COMPLETE, 0.25, **{ORIGIN: "portfolio"})
    add(study, TrialState.PRUNED, 0.125)
    add(study, TrialState.FAIL)
    add(study, TrialState.RUNNING)
    add(study, TrialState.WAITING)
    study.set_user_attr(PARENT_RUN_ID, "parent")
    study.set_user_attr(BEST_RUN, {"trial": 1, "run_id": "run-1"})
    study.set_user_attr(REGISTERED, MADE)
    status = status_of(study)
    assert asdict(status) == {
        "sweep": "own",
        "study": "own-2",
        "metric": "validation/f1",
        "direction": "minimize",
        "target": 7,
        "counts": {"complete": 2, "pruned": 1, "failed": 1, "running": 1, "waiting": 2},
        "beyond": 0,
        "best": {
            "trial": 1,
            "value": 0.25,
            "params": PLAIN,
            "run_id": "run-1",
            "origin": "portfolio",
        },
        "parent_run_id": "parent",
        "confirmed": [],
        "n_confirmations": 0,
        "combination": None,
        "winner": None,
        "baseline": None,
        "comparisons": [],
        "registered": {"name": "m", "version": "3", "alias": "challenger"},
        "workers": [],
        "spent": {},
        "prune_audit": None,
        "failures": [{"slot": 3, "trial": 3, "reason": None}],
        "interrupted_attempts": 0,
        "seconds_left": 3 * 90.0,
        "grid": None,
        "time_budget": None,
        "stopped": None,
        "front": None,
        "failed_seeds": [],
    }
    assert json.loads(json.dumps(asdict(status))) == asdict(status)


def test_trials_of_a_larger_budget_are_told_beside_a_smaller_one() -> None:
    study = study_of(4)
    for value in (0.5, 0.25, 0.125):
        add(study, TrialState.COMPLETE, value)
    add(study, TrialState.FAIL, **{RETRY: True})
    add(study, TrialState.RUNNING)
    assert status_of(study).beyond == 0
    study.set_user_attr(N_TRIALS, 2)
    status = status_of(study)
    assert (status.beyond, status.counts["complete"], status.target) == (1, 2, 2)
    screen = Console(file=io.StringIO(), width=200)
    print_outcome(screen, study)
    output = screen.file.getvalue()  # type: ignore[attr-defined]
    assert (
        "2 trials: 2 complete; 3 were run in total, because sweep.n_trials was larger before"
        in output
    )
    assert "sweep.n_trials=6" in output


@pytest.mark.parametrize(("ends_in", "left"), [(500, 500), (-5, 0), (None, None)])
def test_an_open_sweep_by_time_shows_the_time_to_its_end(
    ends_in: float | None, left: float | None
) -> None:
    study = study_of(2)
    add(study, TrialState.COMPLETE, 0.5)
    ends_at = None if ends_in is None else time.time() + ends_in
    budget = TimeBudget(minutes=10, ends_at=ends_at, is_by_time=True)
    study.set_user_attr(TIME_BUDGET, asdict(budget))
    status = status_of(study)
    assert status.seconds_left == (None if left is None else pytest.approx(left, abs=30))
    assert status.time_budget == asdict(budget)
    assert not status.is_budget_spent


def test_a_sweep_by_time_says_so_far_while_it_is_open_and_goes_on_by_the_same_command() -> None:
    study = study_of(2)
    study.set_user_attr(GIVEN, ["sweep.n_trials=null", "sweep.timeout_minutes=10"])
    for _ in range(2):
        add(study, TrialState.COMPLETE, 0.5)
    budget = TimeBudget(minutes=10, ends_at=0.0, is_by_time=True)
    printed = []
    for each in (budget, replace(budget, is_open=False)):
        study.set_user_attr(TIME_BUDGET, asdict(each))
        screen = Console(file=io.StringIO(), width=200)
        print_outcome(screen, study)
        printed.append(screen.file.getvalue())  # type: ignore[attr-defined]
    assert "2 trials so far: 2 complete" in printed[0]
    assert "2 trials: 2 complete" in printed[1]
    assert "sweep.n_trials=null sweep.timeout_minutes=10" in printed[1].partition("next:")[2]
    assert "sweep.n_trials=4" not in printed[1]


@pytest.mark.parametrize(
    ("n_slots", "n_finished", "line", "command"),
    [
        (2, 2, "2 trials, 2 of the grid's 5 points tried: 2 complete", "sweep.n_trials=4"),
        (3, 3, "3 trials, 3 of the grid's 5 points tried: 3 complete", "sweep.n_trials=5"),
        (5, 5, "5 trials, the whole grid of 5 points: 5 complete", None),
    ],
)
def test_a_grid_is_told_of_and_ends_the_sweep(
    n_slots: int, n_finished: int, line: str, command: str | None
) -> None:
    study = study_of(n_slots)
    study.set_user_attr(GRID, {"n_points": 5, "beside": []})
    for _ in range(n_finished):
        add(study, TrialState.COMPLETE, 0.5)
    grid = status_of(study).grid
    assert grid == {
        "n_points": 5,
        "n_finished": n_finished,
        "n_beside": 0,
        "is_complete": n_finished == 5,
    }
    screen = Console(file=io.StringIO(), width=200)
    print_outcome(screen, study)
    output = screen.file.getvalue()  # type: ignore[attr-defined]
    assert line in output
    following = output.partition("next:")[2]
    assert (command in following) if command else ("sweep.n_trials" not in following)


def test_a_grid_by_time_goes_on_until_it_is_complete() -> None:
    study = study_of(2)
    study.set_user_attr(GRID, {"n_points": 2, "beside": []})
    budget = TimeBudget(minutes=10, ends_at=0.0, is_by_time=True, is_open=False)
    study.set_user_attr(TIME_BUDGET, asdict(budget))
    following = []
    for _ in range(2):
        add(study, TrialState.COMPLETE, 0.5)
        following.append(next_commands(status_of(study), study.user_attrs))
    assert ["finesweep sweep own" in commands for commands in following] == [True, False]


def test_what_to_type_next_is_quoted_for_a_shell() -> None:
    study = study_of(1)
    add(study, TrialState.COMPLETE, 0.5)
    study.set_user_attr(REGISTERED, {**MADE, "name": "bob's tweets", "alias": "next"})
    screen = Console(file=io.StringIO(), width=200)
    print_outcome(screen, study)
    output = screen.file.getvalue()  # type: ignore[attr-defined]
    command = next(line for line in output.splitlines() if "predict --model" in line)
    assert shlex.split(command)[3:] == ["models:/bob's tweets@next", "your text"]


@pytest.mark.parametrize(
    ("aliases", "told", "end", "promotes"),
    [
        (["challenger"], "alias challenger", "@challenger", True),
        (["challenger", "champion"], "aliases challenger, champion", "@champion", False),
        (["next"], "alias next", "@next", False),
        ([], "without an alias", "/1", False),
    ],
)
def test_the_registered_version_is_told_with_the_aliases_that_it_has_now(
    store: TrackingStore, aliases: list[str], told: str, end: str, promotes: bool
) -> None:
    name, run = uuid.uuid4().hex, start_run(store, name="winner")
    store.client.create_registered_model(name)
    store.client.create_model_version(name, f"runs:/{run.run_id}/model", run.run_id)
    for alias in aliases:
        store.client.set_registered_model_alias(name, alias, "1")
    study = study_of(1)
    add(study, TrialState.COMPLETE, 0.5)
    study.set_user_attr(REGISTERED, {**MADE, "name": name, "version": "1"})
    screen = Console(file=io.StringIO(), width=200)
    print_outcome(screen, study, tracking=TrackingConfig(uri=store.uri))
    output = screen.file.getvalue()  # type: ignore[attr-defined]
    assert f"registered as {name} version 1, {told}\n" in output
    assert f"predict --model models:/{name}{end} " in output
    assert (f"finesweep promote {name}" in output) is promotes


def test_a_version_that_is_gone_is_not_told_and_a_store_that_is_away_changes_nothing(
    store: TrackingStore, tmp_path: Path
) -> None:
    study = study_of(1)
    add(study, TrialState.COMPLETE, 0.5)
    study.set_user_attr(REGISTERED, {**MADE, "version": "99"})
    assert with_aliases_of_now(status_of(study), store).registered is None
    screen = Console(file=io.StringIO(), width=200)
    print_outcome(screen, study, tracking=TrackingConfig(uri=f"sqlite:///{tmp_path}/absent.db"))
    assert "registered as m version 99, alias challenger\n" in screen.file.getvalue()  # type: ignore[attr-defined]
    assert not (tmp_path / "absent.db").exists()


def test_failed_seeds_are_told_and_a_winner_without_any_other_is_called_unconfirmed() -> None:
    study = study_of(1)
    add(study, TrialState.COMPLETE, 0.5)
    made = make_confirmation(study)
    add_seed_slots(made, [0], n_seeds=2)
    add(made, TrialState.FAIL, **{RETRY: True, REASON: "killed"})
    for slot in range(2):
        add(made, TrialState.FAIL, **{SLOT: slot, REASON: "OSError: no"})
    study.set_user_attr(FINALIST, finalist(0))
    failed = [{"trial": 0, "seed": seed, "reason": "OSError: no"} for seed in (1, 2)]
    assert status_of(study).failed_seeds == failed
    screen = Console(file=io.StringIO(), width=200)
    print_outcome(screen, study)
    output = screen.file.getvalue()  # type: ignore[attr-defined]
    told = "all fresh seeds failed: 2 failed seeds; seed 1 of trial 0: OSError: no"
    assert f"not confirmed, because {told}\n" in output


def test_a_winner_is_not_the_best_while_others_are_confirmed_against_it() -> None:
    study = study_of(2)
    add(study, TrialState.COMPLETE, 0.5)
    add(study, TrialState.COMPLETE, 0.25)
    made = make_confirmation(study)
    add_seed_slots(made, [1, 0], n_seeds=1)
    add(made, TrialState.COMPLETE, 0.5, **{SLOT: 1})
    study.set_user_attr(FINALIST, finalist(0) | {"confirmed": {"mean": 0.5}})

    def printed() -> str:
        screen = Console(file=io.StringIO(), width=200)
        print_outcome(screen, study)
        return screen.file.getvalue()  # type: ignore[attr-defined, no-any-return]

    assert "best: trial 0" not in printed()
    add(made, TrialState.COMPLETE, 0.6, **{SLOT: 0})
    assert "best: trial 0" in printed()
    add_seed_slots(made, [1, 0], n_seeds=2)
    study.set_user_attr(FINALIST, finalist(0))  # by sweep.confirm=null
    assert "best: trial 0" in printed()


def test_the_command_that_goes_on_is_the_one_that_was_typed() -> None:
    study = study_of(2)
    assert command_of(study) == "finesweep sweep own"
    study.set_user_attr(GIVEN, ["sweep.study=own-2", "model=choice(a, b)", "sweep.n_trials=2"])
    typed = "finesweep sweep own sweep.study=own-2 'model=choice(a, b)' sweep.n_trials="
    assert command_of(study) == f"{typed}2"
    assert command_of(study, n_trials=4) == f"{typed}4"
    study.set_user_attr(GIVEN, ["++sweep.n_trials=2"])
    assert command_of(study, n_trials=4) == "finesweep sweep own sweep.n_trials=4"


def test_a_study_that_has_just_been_made_has_neither_best_nor_parent() -> None:
    status = status_of(study_of(2))
    assert (status.best, status.parent_run_id, status.registered) == (None, None, None)
    assert status.counts["waiting"] == status.target == 2


def test_the_best_trial_of_a_score_is_the_highest() -> None:
    study = study_of(2, "maximize")
    add(study, TrialState.COMPLETE, 0.5)
    add(study, TrialState.COMPLETE, 0.25)
    best = status_of(study).best
    assert best is not None
    assert (best["trial"], best["value"]) == (0, 0.5)


@pytest.mark.parametrize(
    ("states", "is_budget_spent"),
    [
        ([], False),
        ([TrialState.COMPLETE], False),
        ([TrialState.COMPLETE, TrialState.RUNNING], False),
        ([TrialState.COMPLETE, TrialState.WAITING], False),
        ([TrialState.PRUNED, TrialState.FAIL], True),
    ],
)
def test_a_budget_is_spent_when_no_slot_runs_or_waits(
    states: list[TrialState], is_budget_spent: bool
) -> None:
    study = study_of(2)
    for state in states:
        add(study, state, 0.5 if state in (TrialState.COMPLETE, TrialState.PRUNED) else None)
    assert status_of(study).is_budget_spent is is_budget_spent


@pytest.mark.parametrize(
    ("direction", "order"), [("minimize", [3, 0, 4, 1, 2]), ("maximize", [0, 4, 3, 1, 2])]
)
def test_the_leaderboard_is_best_first_then_pruned_then_failed(
    direction: Direction, order: list[int]
) -> None:
    study = study_of(6, direction)
    add(study, TrialState.COMPLETE, 0.5)
    add(study, TrialState.PRUNED, 0.1)
    add(study, TrialState.FAIL, **{REASON: "OSError: no"})
    add(study, TrialState.COMPLETE, 0.25)
    add(study, TrialState.COMPLETE, 0.5)
    add(study, TrialState.RUNNING)
    add(study, TrialState.WAITING)
    assert [row.trial for row in leaderboard(study.trials, direction_of(study))] == order


def test_a_row_says_what_became_of_its_trial() -> None:
    study = study_of(3)
    add(study, TrialState.COMPLETE, 0.5)
    add(study, TrialState.PRUNED, 0.75, **{ORIGIN: "enqueued"})
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={REASON: "killed"}))
    complete, pruned, failed = leaderboard(study.trials, direction_of(study))
    assert complete == Row(0, 0, "COMPLETE", 0.5, "bert", PLAIN, 90.0, None)
    assert pruned == Row(1, 1, "PRUNED", 0.75, "bert", PLAIN, 90.0, None, "enqueued")
    assert (failed.state, failed.value, failed.model, failed.params, failed.reason) == (
        "FAIL",
        None,
        "",
        {},
        "killed",
    )


@pytest.mark.parametrize(
    ("is_known", "trials"), [(True, ["1p", "0e", "2"]), (False, ["1", "0", "2"])]
)
def test_the_leaderboard_marks_what_the_sampler_did_not_choose(
    is_known: bool, trials: list[str]
) -> None:
    study = study_of(3)
    for value, origin in ((0.5, "enqueued"), (0.25, "portfolio"), (0.75, "sampler")):
        add(study, TrialState.COMPLETE, value, **({ORIGIN: origin} if is_known else {}))
    screen = io.StringIO()
    print_outcome(Console(file=screen, width=80), study)
    lines = screen.getvalue().splitlines()
    first = lines.index("leaderboard by validation/f1") + 2
    assert [line.split()[1] for line in lines[first : first + 3]] == trials
    legend = "params of a trial: e enqueued, p portfolio, others from the sampler"
    assert (legend in lines) is is_known


def settled_study(**attributes: Any) -> Study:
    study = study_of(2)
    add(study, TrialState.COMPLETE, 0.5)
    add(study, TrialState.COMPLETE, 0.25)
    for name, value in attributes.items():
        study.set_user_attr(name, value)
    return study


@pytest.mark.parametrize(
    ("kept", "register", "settled"),
    [
        ({}, None, False),
        ({}, WANTED, False),
        ({FINALIST: finalist(0)}, None, False),  # another trial is best by now
        ({FINALIST: finalist(0), REGISTERED: MADE}, WANTED, False),
        ({FINALIST: finalist(1)}, None, True),
        ({FINALIST: finalist(1)}, WANTED, False),
        ({FINALIST: finalist(1), REGISTERED: MADE}, WANTED, True),
        ({FINALIST: finalist(1), REGISTERED: MADE}, None, True),
        ({FINALIST: finalist(1, "models:/m-2"), REGISTERED: MADE}, WANTED, False),
        ({FINALIST: finalist(1), REGISTERED: MADE}, RegisterConfig("other"), False),
        ({FINALIST: finalist(1), REGISTERED: MADE}, RegisterConfig("m", "staging"), False),
    ],
)
def test_a_spent_sweep_is_settled_when_its_winner_is_what_was_wanted(
    kept: dict[str, Any], register: RegisterConfig | None, settled: bool
) -> None:
    assert is_finished_sweep(read_state(settled_study(**kept)), register) is settled


def test_a_sweep_with_slots_left_is_not_settled_whatever_is_registered() -> None:
    study = settled_study(**{FINALIST: finalist(1), REGISTERED: MADE})
    study.set_user_attr(N_TRIALS, 3)
    assert not is_finished_sweep(read_state(study), WANTED)


def test_a_slot_to_be_tried_again_is_not_settled() -> None:
    study = study_of(1)
    add(study, TrialState.FAIL, **{RETRY: True})
    assert not is_finished_sweep(read_state(study), None)


def test_a_spent_sweep_without_any_winner_is_settled() -> None:
    study = study_of(2)
    add(study, TrialState.PRUNED, 0.5)
    add(study, TrialState.FAIL)
    assert is_finished_sweep(read_state(study), WANTED)
    assert not is_finished_sweep(read_state(study_of(2)), WANTED)
