"""The first screen tells what won and how sure that is, in every state of a sweep."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from optuna.trial import TrialState, create_trial
from tests.unit.report.made import baseline, best_of, decide, leader, made_study, made_trial, record

from finesweep.report.words import Headline, headline
from finesweep.sweep.selection.confirmation import add_seed_slots, make_confirmation
from finesweep.sweep.study.keys import GIVEN, OMISSIONS, PRUNE_AUDIT, REASON, REGISTERED, SLOT

pytestmark = pytest.mark.slow
CONFIRMED = {
    "trial": 0,
    "searched": 0.5,
    "n_seeds": 3,
    "mean": 0.56,
    "deviation": 0.01,
    "low": 0.54,
    "high": 0.58,
    "optimism_gap": -0.06,
    "dropped": False,
    "probability_better": 0.97,
}


def answers(shown: Headline) -> dict[str, str]:
    return dict(shown.points)


def test_a_confirmed_winner_is_told_with_its_interval_odds_and_optimism_gap() -> None:
    study = made_study(6)
    decide(study, confirmed=CONFIRMED)
    shown = headline(record(study))
    assert shown.verdict == f"{study.best_trial.params['model']} wins clearly"
    assert answers(shown)["How sure"] == (
        "95 % interval of the mean 0.5400 to 0.5800. Better than the second with probability 0.97:"
        " surely the better one. Optimism gap: the search saw 0.5000, 0.0600 too optimistic."
    )
    assert ("validation/loss", "0.5600", "mean of 3 fresh seeds") in shown.tiles
    assert ("test accuracy", "90.0%", "95 %: 86.0% to 94.0%") in shown.tiles
    assert ("against TF-IDF", "+10.0", "points, significant") in shown.tiles


def test_the_second_is_the_one_that_the_odds_are_against() -> None:
    study = made_study(6)
    best = best_of(study)
    decide(study, confirmed=CONFIRMED | {"trial": best, "runner_up": best + 2})
    rows = [CONFIRMED | {"trial": best + k, "mean": 0.56 + k / 100} for k in range(3)]
    read = record(study)
    read = replace(read, status=replace(read.status, confirmed=rows))
    told = answers(headline(read))["By how much"]
    assert told.endswith(f"trial {best + 2}, the second, has 0.5800: 0.0200 better.")


@pytest.mark.parametrize(
    ("chance", "verdict"),
    [
        (0.85, "probably wins"),
        (0.5, "wins, though the second may be as good"),
        (None, "wins the search, no other was confirmed"),
    ],
)
def test_a_winner_that_may_not_be_the_best_is_not_called_sure(
    chance: float | None, verdict: str
) -> None:
    study = made_study(6)
    decide(study, confirmed=CONFIRMED | {"probability_better": chance})
    assert headline(record(study)).verdict.endswith(verdict)


def test_a_higher_metric_is_too_optimistic_when_the_search_saw_more() -> None:
    study = made_study(6, metric="validation/f1", direction="maximize")
    decide(study, confirmed=CONFIRMED | {"searched": 0.6, "optimism_gap": 0.04})
    shown = answers(headline(record(study)))
    assert shown["How sure"].endswith("the search saw 0.6000, 0.0400 too optimistic.")


def test_without_confirmation_the_doubt_is_told() -> None:
    study = made_study(6)
    decide(study)
    shown = headline(record(study))
    assert shown.verdict.endswith("wins the search, unconfirmed")
    assert answers(shown)["How sure"] == (
        "Not confirmed with fresh seeds in this sweep (sweep.confirm=null). The best of many noisy"
        " results is too optimistic, and the second may be as good."
    )
    second = sorted(t.value for t in study.trials if t.state == TrialState.COMPLETE)[1]
    gap = second - study.best_value
    assert f"{second:.4f}: {gap:.4f} better." in answers(shown)["By how much"]


def test_a_confirmation_whose_seeds_all_failed_is_told_with_its_reason() -> None:
    study = made_study(6)
    made = make_confirmation(study)
    add_seed_slots(made, [best_of(study)], n_seeds=2)
    for slot in range(2):
        own = {SLOT: slot, REASON: "OSError: no"}
        made.add_trial(create_trial(state=TrialState.FAIL, user_attrs=own))
    told = answers(headline(record(study)))["Where it stands"]
    failed = f"2 failed seeds; seed 1 of trial {best_of(study)}: OSError: no."
    assert told == f"All trials are finished; the winner is confirmed and tested next. {failed}"
    decide(study)
    shown = headline(record(study))
    assert shown.verdict.endswith("wins the search; its confirmation failed")
    assert answers(shown)["How sure"] == (
        f"Not confirmed, because all fresh seeds failed: 2 failed seeds; seed 1 of trial"
        f" {best_of(study)}: OSError: no. The best of many noisy results is too optimistic, and"
        " the second may be as good."
    )


def test_a_baseline_that_is_not_beaten_is_said_in_words_and_in_its_tile() -> None:
    study = made_study(6)
    decide(study)
    shown = headline(replace(record(study), baseline=baseline(p=0.3)))
    assert answers(shown)["Does it beat TF-IDF"].startswith("No: the winner does NOT")
    assert ("against TF-IDF", "+10.0", "points, NOT significant") in shown.tiles
    without = headline(replace(record(study), baseline=None))
    assert "was not compared" in answers(without)["Does it beat TF-IDF"]


def test_a_sweep_under_way_says_so_and_how_it_goes_on() -> None:
    study = made_study(5, target=20)
    study.set_user_attr(GIVEN, ["workers=2"])
    shown = headline(record(study))
    assert shown.verdict == f"Under way: {study.best_trial.params['model']} leads so far"
    assert answers(shown)["Where it stands"] == "No worker is running."
    assert "finesweep sweep own workers=2" in shown.commands
    assert ("trials", "5 of 20") in [tile[:2] for tile in shown.tiles]


def test_without_a_complete_trial_there_is_no_winner_and_the_reason_is_told() -> None:
    empty = headline(record(made_study(0, target=3)))
    assert empty.verdict == "Under way: no trial is complete yet"
    study = made_study(0, target=1)
    failed = create_trial(state=TrialState.FAIL, user_attrs={SLOT: 0, REASON: "out of luck"})
    study.add_trial(failed)
    shown = headline(record(study))
    assert shown.verdict == "No trial completed, so there is no winner"
    assert answers(shown)["Where it stands"] == "1 failed trial; trial 0: out of luck."


def test_one_complete_trial_has_no_second() -> None:
    study = made_study(1)
    decide(study)
    assert "no other trial is complete" in answers(headline(record(study)))["By how much"]


def test_the_trials_that_ran_on_despite_the_pruner_tell_how_often_it_is_wrong() -> None:
    study = made_study(3)
    mark = {"step": 100, "seconds": 4.0, "best": 10.0}
    study.add_trial(made_trial(3, "bert", random.Random(0), **{PRUNE_AUDIT: mark}))
    told = answers(headline(record(study)))["Was pruning right"]
    assert told.startswith("Prune audit: of 1 trial that the pruner would have stopped, 1 ended")
    assert "Was pruning right" not in answers(headline(record(made_study(3))))


def test_what_is_missing_and_what_was_not_compared_is_told() -> None:
    study = made_study(4)
    decide(study)
    study.set_user_attr(OMISSIONS, {"the winner with TF-IDF": "it broke"})
    read = replace(record(study), missing=["MLflow has no run of trial 1 any more"])
    told = answers(headline(read))["What is missing here"]
    assert told == (
        "MLflow has no run of trial 1 any more. Left out: the winner with TF-IDF: it broke."
    )


def test_a_registered_winner_is_asked_and_promoted_next() -> None:
    study = made_study(4)
    decide(study)
    claim = {"name": "m", "version": "3", "alias": "challenger", "model_uri": "models:/m-1"}
    study.set_user_attr(REGISTERED, claim)
    read = replace(record(study), leader=leader(best_of(study)))
    assert list(headline(read).commands) == [
        'finesweep predict --model models:/m@challenger "your text"',
        "finesweep promote m",
        "finesweep ui own",
        "finesweep sweep own sweep.n_trials=8",
    ]
