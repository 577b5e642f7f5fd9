"""Latencies are compared within one machine, as a study records them."""

from __future__ import annotations

from optuna.trial import FrozenTrial, TrialState, create_trial

from finesweep.sweep.study.keys import LATENCY_KEY, LATENCY_MACHINE, OBJECTIVES
from finesweep.sweep.study.objectives.latencies import entry, has_latency, latencies_in

LOSS, MS = "validation/loss", "latency_ms/one_p50"


def trial(key: str, state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    own = {OBJECTIVES: {LOSS: 0.5, MS: 9.0}, LATENCY_KEY: key}
    return create_trial(value=0.5, state=state, user_attrs=own)


STUDY = {
    "n_trials": 3,
    LATENCY_MACHINE: "here",
    **dict([entry("a", "here", {MS: 1.0}), entry("a", "there", {MS: 5.0})]),
    **dict([entry("b", "there", {MS: 6.0})]),
}


def test_a_key_has_one_latency_on_each_machine() -> None:
    known = latencies_in(STUDY)
    assert (known.of("a"), known.of("a", "there"), known.of("b")) == ({MS: 1.0}, {MS: 5.0}, None)
    assert latencies_in({}).of("a") is None


def test_a_trial_has_the_latency_of_the_compared_machine_where_it_is_known() -> None:
    known = latencies_in(STUDY)
    assert known.objectives_of(trial("a")) == {LOSS: 0.5, MS: 1.0}
    assert known.objectives_of(trial("b")) == {LOSS: 0.5, MS: 9.0}
    assert known.objectives_of(trial("a", TrialState.PRUNED)) == {}


def test_what_a_machine_has_not_measured_is_missing_once() -> None:
    found = [trial("a"), trial("b"), trial("b"), trial("c", TrialState.PRUNED)]
    known = latencies_in(STUDY)
    assert list(known.missing(found)) == ["b"]
    assert list(known.unsettled(found)) == list(known.unsettled(found, "there")) == ["a", "b"]
    settled = latencies_in(STUDY | dict([entry("a", "here", {MS: 1.0}, settled=True)]))
    assert list(settled.unsettled(found)) == ["b"]
    assert list(settled.unsettled(found, "there")) == ["a", "b"]
    sizes = create_trial(value=0.5, user_attrs={OBJECTIVES: {LOSS: 0.5, "model/bytes": 1.0}})
    assert known.missing([sizes]) == {}


def test_a_long_name_of_a_machine_fits_into_the_database() -> None:
    name, _ = entry("a", "x" * 600, {MS: 1.0})
    assert len(name) == 512


def test_only_latencies_are_of_a_machine() -> None:
    assert has_latency([LOSS, MS])
    assert not has_latency([LOSS, "model/bytes"])
