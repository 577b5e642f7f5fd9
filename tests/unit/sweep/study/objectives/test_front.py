"""The front of a study, and whose weights are kept for it."""

from __future__ import annotations

from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from finesweep.sweep.study.keys import DEFINITION, LATENCY_KEY, LATENCY_MACHINE, OBJECTIVES
from finesweep.sweep.study.objectives.front import contenders, front_of, kept, several_in
from finesweep.sweep.study.objectives.latencies import entry

LOSS, MS = "validation/loss", "latency_ms/one_p50"
SEVERAL = {DEFINITION: {"sweep.objectives": [LOSS, MS]}}


def trials(*rows: tuple[float, float, str]) -> list[FrozenTrial]:
    """Complete trials of these losses, latencies and keys, and a pruned one."""
    made = [
        create_trial(
            value=loss, user_attrs={OBJECTIVES: {LOSS: loss, MS: latency}, LATENCY_KEY: key}
        )
        for loss, latency, key in rows
    ]
    made.append(create_trial(state=TrialState.PRUNED, value=0.1))
    for number, trial in enumerate(made):
        trial.number = number
    return made


def attributes(machine: str = "here", **latencies: float) -> dict[str, Any]:
    """Of a study whose machine has these latencies, by key."""
    known = dict(entry(key, machine, {MS: value}) for key, value in latencies.items())
    return {**SEVERAL, LATENCY_MACHINE: machine, **known}


def test_a_study_of_one_objective_has_no_front() -> None:
    own = {DEFINITION: {"sweep.metric": LOSS}}
    assert (several_in(own), front_of([], own)) == ((), None)
    best = contenders(trials((0.5, 1, "a"), (0.4, 2, "a")), own, "minimize")
    assert [trial.number for trial in best] == [1, 0]


def test_only_trials_that_no_other_beats_may_win() -> None:
    found = trials((0.5, 5, "a"), (0.3, 20, "b"), (0.6, 5, "a"), (0.4, 20, "b"))
    known = attributes(a=5, b=20)
    front = front_of(found, known)
    assert front is not None
    assert (front.members, front.machine, front.foreign) == ((1, 0), "here", ())
    assert [t.number for t in contenders(found, known, "minimize")] == [1, 0]
    assert str(front) == (
        f"Pareto front of {LOSS} and {MS}: trials 1, 0, of 4 complete; latencies of here"
    )


def test_latencies_of_another_machine_are_replaced_or_named() -> None:
    found = trials((0.5, 99, "a"), (0.3, 20, "b"))
    front = front_of(found, attributes(b=2))
    assert front is not None
    assert (front.members, front.foreign) == ((1,), (0,))
    assert str(front).endswith("those of trials 0 of another machine")
    front = front_of(found, attributes(a=1, b=2))
    assert front is not None
    assert (front.members, front.foreign) == ((1, 0), ())
    assert front.as_json()["members"][1] == {"trial": 0, "values": {LOSS: 0.5, MS: 1}}


@pytest.mark.parametrize("top_k", [1, 2])
def test_weights_stay_of_all_that_win_on_any_machine(top_k: int) -> None:
    # Beaten here, trial 3 wins where length c is fast; trial 2 is beaten by its own kind.
    found = trials((0.5, 5, "a"), (0.3, 5, "b"), (0.6, 5, "a"), (0.9, 50, "c"))
    numbers = [t.number for t in kept(found, attributes(a=5, b=5, c=50), "minimize", top_k=top_k)]
    assert numbers == [1, 0, 3]
    plain = kept(found, {DEFINITION: {}}, "minimize", top_k=top_k)
    assert [trial.number for trial in plain] == [1, 0][:top_k]
