"""The samplers that people name, over two models with conditions, with kills and two workers.

Trials are a formula here.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import optuna
import pytest
from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState
from tests.unit.sweep.study.sampling.spaces import DEPTH, EPOCHS, N_POINTS, RATE, plan_with
from tests.unit.sweep.worker.conftest import JoinedWorker

from finesweep.config import SweepPlan
from finesweep.sweep.status import Status, status_of
from finesweep.sweep.study.keys import CHECKPOINT, N_TRIALS, RETRY, SLOT
from finesweep.sweep.study.optuna_private import storage_of
from finesweep.sweep.study.reconcile import fail
from finesweep.sweep.study.slots import claim, refill
from finesweep.sweep.study.study import open_study
from finesweep.sweep.time_budget import time_budget_in
from finesweep.sweep.worker.attempt import Attempt
from finesweep.sweep.worker.loop import WorkerLoop
from finesweep.sweep.worker.phases import Search
from finesweep.sweep.worker.telling import tell

pytestmark = pytest.mark.slow

FREE = (
    "training.learning_rate=tag(log, interval(1e-5, 1e-3))",
    "training.weight_decay=interval(0.0, 0.1)",
)
LAYERS = {"minilm": 6, "distil_minilm": 3}
GRID_OF_FIVE = {"n_points": 5, "n_finished": 0, "n_beside": 1, "is_complete": False}
N_SLOTS = 12
KILLS = 5


@dataclass
class Running:
    """A trial under way, in one worker."""

    phase: Search
    trial: Trial
    values: Mapping[str, Any]


def searched(plan: SweepPlan, study: Study, *, seed: int = 0) -> list[Running]:
    """What was run until every slot had ended, three trials at a time, KILLS of them killed."""
    again = optuna.load_study(study_name=study.study_name, storage=storage_of(study))
    phases = [Search(plan, study), Search(plan, again)]
    drawn, running, run = random.Random(seed), list[Running](), list[Running]()
    n_kills = KILLS
    while True:
        phase = phases[len(run) % 2]
        n_slots = phase.n_slots()
        refill(phase.study, phase.study.trials, n_slots, phase.enqueued, queue_length=4)
        claimed = claim(phase.study, n_slots) if len(running) < 3 else None
        if claimed is not None:
            trial = phase.start_trial(claimed)
            running.append(Running(phase, trial, phase.spec(trial).values))
            run.append(running[-1])
            continue
        if not running:
            return run
        ended = running.pop(drawn.randrange(len(running)))
        study, number = ended.phase.study, ended.trial.number
        if n_kills and drawn.random() < 0.4:
            n_kills -= 1
            fail(study, number, why="killed", kind="infrastructure", retry=True)
            continue
        loss = loss_of(ended.values)
        ended.trial.report(loss, step=100)
        is_pruned = drawn.random() < 0.2
        state = TrialState.PRUNED if is_pruned else TrialState.COMPLETE
        tell(study, number, state, None if is_pruned else loss, say=pytest.fail)


def loss_of(values: Mapping[str, Any]) -> float:
    """Least at minilm, its whole depth, a rate of 1e-4 and two epochs."""
    depth = values[DEPTH] / LAYERS[values["model"]]
    return (
        0.3 * (values["model"] != "minilm")
        + abs(depth - 1)
        + abs(values[RATE] - 1e-4) * 1e3
        + 0.1 * (2 - values[EPOCHS])
    )


def finished(study: Study) -> list[FrozenTrial]:
    return [trial for trial in study.trials if not trial.user_attrs.get(RETRY)]


def assert_each_slot_ended_once(study: Study, run: list[Running], n_slots: int) -> None:
    """Retried trials are the same trials again, and lie in the space of their own model."""
    assert sorted(trial.user_attrs[SLOT] for trial in finished(study)) == list(range(n_slots))
    assert len(run) == len(study.trials) == n_slots + KILLS
    by_slot: dict[int, list[Mapping[str, Any]]] = {}
    for each in run:
        by_slot.setdefault(each.trial.user_attrs[SLOT], []).append(each.values)
        assert 0 <= each.values[DEPTH] <= LAYERS[each.values["model"]]
    assert all(values == [values[0]] * len(values) for values in by_slot.values())
    assert max(map(len, by_slot.values())) > 1


@pytest.fixture
def study() -> Study:
    """In memory: what a database adds is tested with the slots."""
    made = optuna.create_study(study_name="own")
    made.set_user_attr(N_TRIALS, N_SLOTS)
    return made


@pytest.mark.parametrize(
    "sampler",
    [
        "RandomSampler",
        "QMCSampler",
        "TPESampler, n_startup_trials: 4, multivariate: true, group: true",
        "NSGAIISampler, population_size: 4",
        "CmaEsSampler, n_startup_trials: 4",
        "GPSampler, n_startup_trials: 8",
    ],
)
def test_every_slot_ends_once_with_any_sampler(study: Study, sampler: str) -> None:
    known = {"model": "minilm", RATE: 1e-4, EPOCHS: 1, DEPTH: 0}
    plan = plan_with(sampler, *FREE, enqueued=(known,), n_trials=N_SLOTS)
    run = searched(plan, study)
    assert_each_slot_ended_once(study, run, N_SLOTS)
    assert run[0].values.items() >= known.items()
    assert len({each.values[RATE] for each in run}) > N_SLOTS / 3  # a crossover repeats some
    assert len({each.values["model"] for each in run}) == 2


def test_a_retried_trial_stays_in_its_generation(study: Study) -> None:
    plan = plan_with("NSGAIISampler, population_size: 3", *FREE, n_trials=N_SLOTS)
    searched(plan, study)
    key = "NSGAIISampler:generation"
    by_slot: dict[int, set[int | None]] = {}
    for trial in study.trials:
        by_slot.setdefault(trial.user_attrs[SLOT], set()).add(trial.system_attrs.get(key))
    assert all(len(generations) == 1 for generations in by_slot.values())
    assert len(set.union(*by_slot.values())) > 1


def test_a_sequence_has_a_point_for_each_slot_over_conditions_too(study: Study) -> None:
    plan = plan_with("QMCSampler", FREE[0], n_trials=N_SLOTS)
    run = searched(plan, study)
    assert_each_slot_ended_once(study, run, N_SLOTS)
    by_slot = {each.trial.user_attrs[SLOT]: each.values for each in run}
    # Of a Sobol sequence's first eight points one is in each eighth, of the next four in each
    # quarter.
    eighths = [int(8 * (math.log10(by_slot[slot][RATE]) + 5) / 2) for slot in range(8)]
    assert sorted(eighths) == list(range(8))
    quarters = [int(4 * (math.log10(by_slot[slot][RATE]) + 5) / 2) for slot in range(8, N_SLOTS)]
    assert sorted(quarters) == list(range(4))
    depths = {(values["model"], values[DEPTH]) for values in by_slot.values()}
    assert len({depth for model, depth in depths if model == "minilm"}) > 1
    assert {depth for model, depth in depths if model != "minilm"} == {0, 2}


@pytest.mark.parametrize("sampler", ["GridSampler", "BruteForceSampler"])
def test_each_point_of_a_grid_ends_once(study: Study, sampler: str) -> None:
    enqueued = ({"model": "minilm", DEPTH: 3}, {"model": "minilm", DEPTH: 3, RATE: 1e-4, EPOCHS: 2})
    plan = plan_with(sampler, enqueued=enqueued)
    study.set_user_attr(N_TRIALS, N_POINTS)
    run = searched(plan, study)
    assert_each_slot_ended_once(study, run, N_POINTS)
    points = Counter(repr(sorted(trial.params.items())) for trial in finished(study))
    assert len(points) == N_POINTS
    assert run[1].values.items() >= enqueued[1].items()


def status(plan: SweepPlan, **settings: Any) -> Status:
    """As the sweep command leaves it before its workers begin."""
    changed = replace(plan, settings=replace(plan.settings, **settings))
    return status_of(open_study(changed))


def test_the_grids_end_is_the_sweeps_end(joined_worker: JoinedWorker) -> None:
    beside = {"model": "minilm", "training.warmup_ratio": 0.5}
    plan = plan_with("GridSampler", f"{RATE}=1e-4", f"{EPOCHS}=1", enqueued=(beside,))
    few = status(plan, n_trials=3)
    assert (few.target, few.grid) == (3, GRID_OF_FIVE)
    assert status(plan, n_trials=100).target == status(plan).target == 6
    assert status(plan, timeout_minutes=5).target == 1  # a slot for its worker

    study = open_study(plan)
    seen = list[Mapping[str, Any]]()

    def run(attempt: Attempt) -> float:
        seen.append(attempt.phase.spec(attempt.trial).values)
        attempt.trial.set_user_attr(CHECKPOINT, str(attempt.folder / "model"))
        return float(len(seen))

    for _ in range(2):  # the second finds nothing left to do
        WorkerLoop(plan, Search(plan, study), joined_worker.callbacks, run=run).work()
    after = status_of(study)
    assert after.counts["complete"] == len(seen) == 6
    assert after.grid == {**GRID_OF_FIVE, "n_finished": 5, "is_complete": True}
    assert seen[0]["training.warmup_ratio"] == 0.5
    assert Counter((v["model"], v[DEPTH]) for v in seen[1:]) == Counter(
        [("minilm", 0), ("minilm", 3), ("minilm", 6), ("distil_minilm", 0), ("distil_minilm", 2)]
    )


def test_a_grid_by_time_has_no_more_slots_than_points(joined_worker: JoinedWorker) -> None:
    plan = plan_with("GridSampler", f"{RATE}=1e-4", f"{EPOCHS}=1", "workers=4", timeout_minutes=5.0)
    study = open_study(plan)
    phase = Search(plan, study)
    for expected in (4, 5, 5):
        assert phase.n_slots() == expected == study.user_attrs[N_TRIALS]
        for _ in range(expected):
            refill(study, study.trials, expected, phase.enqueued, queue_length=9)
            if claimed := claim(study, expected):
                tell(study, claimed.number, TrialState.COMPLETE, 0.5, say=pytest.fail)
    budget = time_budget_in(study.user_attrs)
    assert budget is not None
    assert not budget.is_open
