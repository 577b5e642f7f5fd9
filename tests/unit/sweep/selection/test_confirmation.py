"""The race of seeds, on studies that hold what trials would have left."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import optuna
import pytest
from optuna import Study
from optuna.trial import TrialState, create_trial

from finesweep.config import ConfirmConfig
from finesweep.records import Finalist
from finesweep.sweep.selection.confirmation import (
    ConfirmedRow,
    add_seed_slots,
    candidates,
    confirmation_record,
    confirmation_table,
    is_confirmed,
    is_up_to_date,
    kept_seeds,
    make_confirmation,
    slots_to_skip,
    winner_of,
)
from finesweep.sweep.selection.state import (
    confirmation_study,
    read_confirmation,
    read_state,
    seed_runs_of,
    studies_of,
)
from finesweep.sweep.study.keys import (
    DEFINITION,
    N_TRIALS,
    OBJECTIVES,
    RACED_ANEW,
    SKIPPED,
    SLOT,
    UID,
    VALUES,
)
from finesweep.sweep.study.objectives.first_objective import by_first_objective
from finesweep.sweep.study.ranking import direction_of
from finesweep.sweep.study.slots import counts

TWICE = ConfirmConfig(top_k=2, seeds=2)


def rows(study: Study) -> list[ConfirmedRow]:
    return confirmation_table(read_state(study))


def searched(*values: float, rates: tuple[float, ...] = (), direction: str = "minimize") -> Study:
    """A study whose trials ended with these values, each with a rate of its own or this one."""
    study = optuna.create_study(study_name="s", direction=direction)
    study.set_user_attr(UID, "u")
    for number, value in enumerate(values):
        rate = rates[number] if rates else 0.1 * (number + 1)
        own = {SLOT: number, VALUES: {"training.learning_rate": rate}}
        study.add_trial(create_trial(value=value, user_attrs=own))
    return study


def confirming(study: Study, wanted: ConfirmConfig = TWICE) -> Study:
    made = make_confirmation(study)
    add_seed_slots(made, candidates(read_state(study).ranked, wanted), n_seeds=wanted.seeds)
    return made


def finish(confirmation: Study, values: dict[tuple[int, int], float]) -> None:
    """Ends slots, named by the search's trial and the seed, with these values; NaN is a failure."""
    for pair, value in values.items():
        slot = seed_runs_of(confirmation.user_attrs).index(pair)
        state = TrialState.FAIL if math.isnan(value) else TrialState.COMPLETE
        confirmation.add_trial(
            create_trial(
                state=state,
                value=value if state == TrialState.COMPLETE else None,
                user_attrs={SLOT: slot},
            )
        )


def spare(confirmation: Study, n_seeds: int = 2) -> list[tuple[int, int]]:
    """Marks what is slots_to_skip, as a worker does, and says which pairs that were."""
    state = read_confirmation(confirmation)
    slots = slots_to_skip(state, direction_of(confirmation), n_seeds=n_seeds)
    for slot, why in slots.items():
        own = {SLOT: slot, SKIPPED: why}
        confirmation.add_trial(create_trial(state=TrialState.PRUNED, user_attrs=own))
    return [seed_runs_of(confirmation.user_attrs)[slot] for slot in slots]


@pytest.mark.parametrize(
    ("direction", "expected"), [("minimize", [2, 0, 3]), ("maximize", [1, 3, 0])]
)
def test_candidates_are_the_best_by_the_searchs_value(direction: str, expected: list[int]) -> None:
    study = searched(0.5, 0.9, 0.4, 0.6, direction=direction)
    assert candidates(read_state(study).ranked, ConfirmConfig(top_k=3, seeds=1)) == expected


def test_a_configuration_is_a_candidate_once_whatever_its_seed() -> None:
    study = searched(0.5, 0.4, 0.6, rates=(0.1, 0.1, 0.2))
    study.add_trial(
        create_trial(
            value=0.3,
            user_attrs={SLOT: 3, VALUES: {"training.learning_rate": 0.1, "training.seed": 7}},
        )
    )
    assert candidates(read_state(study).ranked, ConfirmConfig(top_k=3, seeds=1)) == [3, 2]


def test_first_seeds_of_all_come_before_second_seeds_of_any() -> None:
    made = confirming(searched(0.5, 0.4))
    assert seed_runs_of(made.user_attrs) == [(1, 0), (0, 0), (1, 1), (0, 1)]
    assert made.user_attrs[N_TRIALS] == 4


def test_a_search_that_went_on_keeps_the_seeds_it_has_paid_for() -> None:
    study = searched(0.5, 0.4)
    made = confirming(study)
    study.add_trial(create_trial(value=0.1, user_attrs={SLOT: 2, VALUES: {"a": 1}}))
    assert not is_confirmed(read_state(study), TWICE)
    confirming(study)
    assert seed_runs_of(made.user_attrs) == [(1, 0), (0, 0), (1, 1), (0, 1), (2, 0), (2, 1)]
    assert spare(made) == [(0, 0), (0, 1)]  # not among the best two any more
    assert [row.dropped for row in rows(study) if row.trial == 0] == [True]


def test_what_cannot_win_gets_no_further_seed() -> None:
    study, wanted = searched(0.40, 0.41, 0.42), ConfirmConfig(top_k=3, seeds=3)
    made = confirming(study, wanted)
    finish(made, {(0, 0): 0.50, (1, 0): 0.52, (2, 0): 0.90})
    assert spare(made, 3) == []  # nothing is known yet of the noise
    finish(made, {(0, 1): 0.51, (1, 1): 0.51, (2, 1): 0.91})
    assert spare(made, 3) == [(2, 2)]
    assert spare(made, 3) == []
    assert not is_confirmed(read_state(study), wanted)
    finish(made, {(0, 2): 0.52, (1, 2): 0.40})
    assert is_confirmed(read_state(study), wanted)
    winner = winner_of(read_state(study), wanted)
    assert winner is not None
    assert (winner.trial, winner.best.value) == (1, 0.40)
    assert [(row.trial, row.n_seeds, row.dropped) for row in rows(study)] == [
        (1, 3, False),
        (0, 3, False),
        (2, 2, True),
    ]


def test_fewer_seeds_than_before_throw_away_no_result() -> None:
    study, thrice = searched(0.10, 0.30), ConfirmConfig(top_k=2, seeds=3)
    made = confirming(study, thrice)
    finish(made, {(0, 0): 0.50, (0, 1): 0.52, (1, 0): 0.40, (1, 1): 0.51})
    confirming(study)
    assert spare(made) == [(0, 2), (1, 2)]
    assert is_confirmed(read_state(study), TWICE)
    assert [(row.trial, row.dropped) for row in rows(study)] == [(1, False), (0, False)]
    winner = winner_of(read_state(study), TWICE)
    assert winner is not None
    assert (winner.trial, winner.best.value) == (1, 0.40)
    soup = ConfirmConfig(top_k=2, seeds=2, soup=True)
    assert len(kept_seeds(read_confirmation(made), soup, "minimize")) == 4


@pytest.mark.parametrize("fewer", [ConfirmConfig(top_k=2, seeds=1), ConfirmConfig(top_k=1)])
def test_what_was_not_wanted_is_run_once_it_is_wanted_again(fewer: ConfirmConfig) -> None:
    study = searched(0.10, 0.30)
    made = confirming(study)
    finish(made, {(0, 0): 0.50, (1, 0): 0.40, (0, 1): 0.52})
    confirming(study, fewer)
    assert spare(made, fewer.seeds) == [(1, 1)]
    assert is_confirmed(read_state(study), fewer)
    assert not is_confirmed(read_state(study), TWICE)
    confirming(study)
    confirming(study)
    assert seed_runs_of(made.user_attrs) == [(0, 0), (1, 0), (0, 1), (1, 1), (1, 1)]
    states = counts(read_confirmation(made).slots)
    assert (states["complete"], states["waiting"], states["pruned"]) == (3, 1, 0)
    assert spare(made) == []
    made.add_trial(create_trial(value=0.41, user_attrs={SLOT: 4}))
    assert is_confirmed(read_state(study), TWICE)
    assert [(row.trial, row.n_seeds, row.dropped) for row in rows(study)] == [
        (1, 2, False),
        (0, 2, False),
    ]


def test_one_raced_out_is_back_once_what_beat_it_is_no_candidate() -> None:
    study, thrice = searched(0.50, 0.51), ConfirmConfig(top_k=2, seeds=3)
    made = confirming(study, thrice)
    finish(made, {(0, 0): 0.55, (1, 0): 0.50, (0, 1): 0.551, (1, 1): 0.501})
    assert spare(made, 3) == [(0, 2)]
    finish(made, {(1, 2): 0.5005})
    assert is_confirmed(read_state(study), thrice)
    study.add_trial(create_trial(value=0.505, user_attrs={SLOT: 2, VALUES: {"a": 1}}))
    confirming(study, thrice)  # trials 0 and 2 are the best two now
    assert seed_runs_of(made.user_attrs)[6:] == [(2, 0), (2, 1), (0, 2), (2, 2)]
    finish(made, {(2, 0): 0.70, (2, 1): 0.701})
    assert spare(made, 3) == [(2, 2)]
    assert not is_confirmed(read_state(study), thrice)
    made.add_trial(create_trial(value=0.552, user_attrs={SLOT: 8}))
    assert is_confirmed(read_state(study), thrice)
    winner = winner_of(read_state(study), thrice)
    assert winner is not None
    assert winner.trial == 0
    assert [(row.trial, row.n_seeds, row.dropped) for row in rows(study)] == [
        (0, 3, False),
        (1, 3, True),
        (2, 2, True),
    ]


def raced_while_another_seed_ran(study: Study, wanted: ConfirmConfig) -> Study:
    """A confirmation in which trial 1 lost its second seed before trial 2's showed the noise."""
    made = confirming(study, wanted)
    finish(made, {(0, 0): 0.500, (1, 0): 0.530, (2, 0): 0.520})
    made.add_trial(create_trial(state=TrialState.RUNNING, user_attrs={SLOT: 5}))
    finish(made, {(0, 1): 0.504})
    assert spare(made) == [(1, 1)]
    made.tell(3, 0.60)
    return made


def test_one_raced_out_by_less_noise_than_there_is_gets_its_seed() -> None:
    study, thrice = searched(0.50, 0.51, 0.52), ConfirmConfig(top_k=3, seeds=2)
    made = raced_while_another_seed_ran(study, thrice)
    assert not is_confirmed(read_state(study), thrice)
    confirming(study, thrice)
    confirming(study, thrice)
    assert seed_runs_of(made.user_attrs)[6:] == [(1, 1)]
    assert spare(made) == []
    made.add_trial(create_trial(value=0.40, user_attrs={SLOT: 6}))
    assert is_confirmed(read_state(study), thrice)
    winner = winner_of(read_state(study), thrice)
    assert winner is not None
    assert (winner.trial, winner.best.value) == (1, 0.40)


def test_what_an_earlier_version_raced_out_stays_so_until_the_sweep_goes_on() -> None:
    study, now = searched(0.50, 0.51, 0.52), ConfirmConfig(top_k=3, seeds=2)
    made = raced_while_another_seed_ran(study, now)
    made.set_user_attr(RACED_ANEW, None)  # as in a study without it
    confirming(study, now)
    assert len(seed_runs_of(made.user_attrs)) == 6
    assert is_confirmed(read_state(study), now)
    assert [row.trial for row in rows(study) if row.dropped] == [1]
    more = ConfirmConfig(top_k=3, seeds=3)
    confirming(study, more)
    assert seed_runs_of(made.user_attrs)[6:] == [(1, 1), (0, 2), (1, 2), (2, 2)]
    assert [row.trial for row in rows(study) if row.dropped] == []


def test_a_seed_skipped_by_an_older_version_counts_as_one_that_could_not_win() -> None:
    study = searched(0.10, 0.30)
    made = confirming(study)
    finish(made, {(0, 0): 0.50, (0, 1): 0.52, (1, 0): 0.90})
    made.add_trial(create_trial(state=TrialState.PRUNED, user_attrs={SLOT: 3}))
    confirming(study)
    assert is_confirmed(read_state(study), TWICE)
    assert [(row.trial, row.dropped) for row in rows(study)] == [(0, False), (1, True)]


def test_the_winner_has_the_best_mean_and_gives_its_best_seed() -> None:
    study = searched(0.10, 0.30)
    made = confirming(study)
    finish(made, {(0, 0): 0.50, (0, 1): 0.60, (1, 0): 0.45, (1, 1): 0.35})
    winner = winner_of(read_state(study), TWICE)
    assert winner is not None
    assert (winner.trial, winner.best.value, winner.uid) == (1, 0.35, "u/confirmation/3")
    assert winner.row is not None
    assert winner.row.mean == pytest.approx(0.40)
    assert winner.row.optimism_gap == pytest.approx(-0.10)
    # Two means, 0.15 apart, noise 0.0707 with two degrees of freedom: t = 2.12.
    assert winner.probability == pytest.approx(0.916, abs=0.001)
    kept = confirmation_record(winner)
    assert kept is not None
    assert (kept["trial"], kept["n_seeds"]) == (1, 2)
    finalist = Finalist(1, "r", "m", {}, 0.5, 10, 8, confirmed=kept)
    assert is_up_to_date(finalist, winner)
    older = {name: value for name, value in kept.items() if name != "dropped"}
    assert is_up_to_date(replace(finalist, confirmed=older), winner)
    for stale in (None, kept | {"probability_better": 0.99}, kept | {"n_seeds": 1}):
        assert not is_up_to_date(replace(finalist, confirmed=stale), winner)


def test_the_second_is_among_those_that_can_win_while_there_is_one() -> None:
    study = searched(0.10, 0.11)
    made = confirming(study)
    finish(made, {(0, 0): 0.40, (0, 1): 0.42, (1, 0): 0.42, (1, 1): 0.41})
    study.add_trial(create_trial(value=0.05, user_attrs={SLOT: 2, VALUES: {"a": 1}}))
    confirming(study)
    alone = winner_of(read_state(study), TWICE)
    assert alone is not None
    assert (alone.trial, alone.runner_up) == (0, 1)
    finish(made, {(2, 0): 0.60, (2, 1): 0.61})
    winner = winner_of(read_state(study), TWICE)
    assert winner is not None
    assert winner.probability == pytest.approx(0.9999, abs=1e-4)
    kept = confirmation_record(winner)
    assert kept is not None
    assert (winner.trial, winner.runner_up, kept["runner_up"]) == (0, 2, 2)
    assert [row.trial for row in rows(study)] == [0, 2, 1]


def test_accuracies_are_confirmed_upwards() -> None:
    study = searched(0.80, 0.95, direction="maximize")
    made = confirming(study)
    finish(made, {(1, 0): 0.70, (1, 1): 0.72, (0, 0): 0.79, (0, 1): 0.80})
    winner = winner_of(read_state(study), TWICE)
    assert winner is not None
    assert (winner.trial, winner.best.value) == (0, 0.80)
    assert winner.row is not None
    assert winner.row.optimism_gap == pytest.approx(0.005)


def test_a_failed_seed_is_not_waited_for() -> None:
    study, nan = searched(0.1, 0.2), float("nan")
    made = confirming(study)
    finish(made, {(0, 0): nan, (0, 1): nan, (1, 0): 0.3, (1, 1): 0.4})
    assert is_confirmed(read_state(study), TWICE)
    winner = winner_of(read_state(study), TWICE)
    assert winner is not None
    assert (winner.trial, winner.probability) == (1, None)


def test_where_every_seed_failed_the_search_has_its_way() -> None:
    study, nan = searched(0.2, 0.1), float("nan")
    made = confirming(study)
    finish(made, {(0, 0): nan, (0, 1): nan, (1, 0): nan, (1, 1): nan})
    winner = winner_of(read_state(study), TWICE)
    assert winner is not None
    assert (winner.trial, winner.uid, winner.row) == (1, "u/1", None)


def test_without_confirmation_the_searchs_best_wins() -> None:
    study = searched(0.2, 0.1)
    assert is_confirmed(read_state(study), None)
    winner = winner_of(read_state(study), None)
    assert winner is not None
    assert (winner.trial, confirmation_record(winner), rows(study)) == (1, None, [])
    assert winner_of(read_state(optuna.create_study()), TWICE) is None


def test_the_study_beside_it_is_found_again() -> None:
    study = searched(0.2)
    assert (confirmation_study(study), studies_of(study)) == (None, {"trial": study})
    made = make_confirmation(study)
    assert make_confirmation(study).study_name == made.study_name == "s+confirmation"
    assert [(kind, each.study_name) for kind, each in studies_of(study).items()] == [
        ("trial", "s"),
        ("confirmation", "s+confirmation"),
    ]


def searched_by_two(*rows: tuple[float, float]) -> Study:
    """A study whose trials ended with these losses and sizes, as the sweep sees it."""
    held = optuna.create_study(study_name="s", directions=["minimize", "minimize"])
    held.set_user_attr(UID, "u")
    held.set_user_attr(DEFINITION, {"sweep.objectives": ["validation/loss", "model/bytes"]})
    for number, (loss, size) in enumerate(rows):
        objectives = {"validation/loss": loss, "model/bytes": size}
        own = {SLOT: number, VALUES: {"training.learning_rate": number}, OBJECTIVES: objectives}
        held.add_trial(create_trial(values=[loss, size], user_attrs=own))
    return by_first_objective(held)


def test_of_several_objectives_the_front_is_confirmed_and_none_is_raced_out() -> None:
    study = searched_by_two((0.30, 90), (0.31, 95), (0.50, 40), (0.60, 40), (0.80, 10))
    made = make_confirmation(study)
    may_win = read_state(study).contenders
    chosen = candidates(may_win, ConfirmConfig(top_k=2, seeds=2))
    assert ([trial.number for trial in may_win], chosen) == ([0, 2, 4], [0, 2])
    add_seed_slots(made, chosen, n_seeds=2)
    finish(made, {(0, 0): 0.30, (0, 1): 0.301, (2, 0): 0.9})
    state, direction = read_confirmation(made), direction_of(made)
    assert slots_to_skip(state, direction, n_seeds=2, is_race=False) == {}


@pytest.mark.parametrize(
    ("pick", "trial", "seed"),
    [
        ("best_first", 0, 1),
        ({"best_first_within": {"validation/loss": 0.05}}, 2, 0),
        ({"best_first_within": {"validation/loss": 0.005}}, 0, 1),
    ],
)
def test_the_rule_picks_by_the_means_over_fresh_seeds(pick: Any, trial: int, seed: int) -> None:
    study = searched_by_two((0.20, 90), (0.5, 95), (0.40, 40))
    made = make_confirmation(study)
    add_seed_slots(made, [0, 2], n_seeds=2)
    values = {(0, 0): 0.32, (0, 1): 0.30, (2, 0): 0.31, (2, 1): 0.33}
    for slot, pair in enumerate(seed_runs_of(made.user_attrs)):
        own = {SLOT: slot, OBJECTIVES: {"validation/loss": values[pair], "model/bytes": 1.0}}
        made.add_trial(create_trial(value=values[pair], user_attrs=own))
    winner = winner_of(read_state(study), TWICE, pick)
    assert winner is not None
    assert winner.picked is not None
    assert (winner.trial, seed_runs_of(made.user_attrs)[winner.best.number]) == (
        trial,
        (trial, seed),
    )
    assert winner.probability is None
    assert winner_of(read_state(study), None, pick).trial == 0  # type: ignore[union-attr]


def test_a_finalist_is_picked_again_when_the_rule_changes() -> None:
    study = searched_by_two((0.30, 90), (0.31, 40))
    pick = {"best_first_within": {"validation/loss": 0.0}}
    first, again = (winner_of(read_state(study), None, each) for each in ("best_first", pick))
    assert first is not None
    assert again is not None
    assert first.trial == again.trial == 0
    finalist = Finalist(0, "r", "m", {}, 0.5, 10, 8, picked=asdict(first.picked))  # type: ignore[arg-type]
    assert is_up_to_date(finalist, first)
    assert not is_up_to_date(finalist, again)
