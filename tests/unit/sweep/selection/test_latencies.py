"""A latency is measured once per architecture, length and machine, and settled when search ends."""

from __future__ import annotations

from typing import Any

import pytest
from optuna import Study
from optuna.trial import TrialState
from tests.tiny_bert import tiny_config
from tests.unit.sweep.studies import add_trial, new_study
from transformers import BertForSequenceClassification

from finesweep.config import SweepPlan, compose_sweep
from finesweep.sweep.selection import latencies as module
from finesweep.sweep.selection.latencies import ensure_latency, latency_key, settle_latencies
from finesweep.sweep.study.keys import LATENCY_KEY, LATENCY_MACHINE, OBJECTIVES, VALUES
from finesweep.sweep.study.objectives.latencies import latencies_in

pytestmark = pytest.mark.slow
LOSS, MS = "validation/loss", "latency_ms/one_p50"


class Machines:
    """Several machines in turn, each of which takes as long as its name says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self.n_measured = "10", 0
        monkeypatch.setattr(module, "this_device", lambda: self.here)
        monkeypatch.setattr(module, "_measure", self._measure)

    def _measure(self, config: Any) -> dict[str, float]:
        self.n_measured += 1
        return {MS: float(self.here)}


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Machines:
    return Machines(monkeypatch)


@pytest.fixture
def plan(demo: SweepPlan, workplace: object) -> SweepPlan:
    return compose_sweep("demo", [f"sweep.objectives=[{LOSS},{MS}]"])


def complete(study: Study, key: str, latency: float) -> None:
    own = {OBJECTIVES: {LOSS: 0.5, MS: latency}, LATENCY_KEY: key, VALUES: {"model": "minilm"}}
    add_trial(study, TrialState.COMPLETE, 0.5, **own)


def test_a_worker_elsewhere_takes_what_is_known_and_measures_the_rest(
    plan: SweepPlan, machines: Machines
) -> None:
    study, config = new_study(), plan.base.config
    assert ensure_latency(study, "a", config) == {MS: 10.0}
    assert ensure_latency(study, "a", config) == {MS: 10.0}
    machines.here = "99"
    assert ensure_latency(study, "a", config) == {MS: 10.0}, "of the machine that is compared"
    assert ensure_latency(study, "b", config) == {MS: 99.0}
    assert ensure_latency(study, "b", config) == {MS: 99.0}
    assert machines.n_measured == 2
    assert study.user_attrs[LATENCY_MACHINE] == "10"


@pytest.mark.parametrize("ends_at", ["10", "7"])
def test_when_the_search_has_ended_all_latencies_are_of_the_machine_where_it_ended(
    plan: SweepPlan, machines: Machines, ends_at: str
) -> None:
    study, said = new_study(), list[str]()
    for machine, key in (("10", "a"), ("99", "b")):
        machines.here = machine
        complete(study, key, ensure_latency(study, key, plan.base.config)[MS])
    machines.here, machines.n_measured = ends_at, 0
    settle_latencies(plan, study, said.append)
    known = latencies_in(study.user_attrs)
    assert known.machine == ends_at
    values = [known.objectives_of(trial)[MS] for trial in study.trials]
    assert values == [float(ends_at)] * 2
    assert (machines.n_measured, len(said)) == (2, 2)
    machines.here = "50"
    settle_latencies(plan, study, said.append)
    assert machines.n_measured == 2, "nothing is measured again, wherever one looks"
    complete(study, "c", 1.0)
    machines.here = ends_at
    settle_latencies(plan, study, said.append)
    assert machines.n_measured == 3, "only what is new"


def test_without_a_latency_nothing_is_measured(demo: SweepPlan, machines: Machines) -> None:
    study = new_study()
    complete(study, "a", 1.0)
    settle_latencies(demo, study, print)
    assert machines.n_measured == 0


def test_the_key_is_of_the_architecture_the_length_and_the_texts_and_not_of_the_weights() -> None:
    def key(n_layers: int = 1, max_length: int = 16, data: str = "d") -> str:
        model = BertForSequenceClassification(tiny_config(num_hidden_layers=n_layers))
        dataset: Any = type("Data", (), {"fingerprint": data})
        return latency_key(model, dataset, max_length=max_length)

    assert key() == key()
    assert len({key(), key(n_layers=2), key(max_length=32), key(data="e")}) == 4
    assert key().startswith("bert-")
