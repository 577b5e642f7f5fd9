"""finesweep's sweep over the peers' space, by one worker, with its defaults or with overrides."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target.clock import Clock
from target.space import sweep_file
from target.task import FRESH_SEEDS, Outcome, Task, Trajectory

if TYPE_CHECKING:
    import optuna

    from finesweep.config import SweepPlan
    from finesweep.sweep.status import Row

NAME = "target"
SLOTS_BETWEEN_SEEDS = 1000
"""finesweep adds the slot to the sampler's seed, so that neighbouring seeds would draw alike."""


def run(task: Task) -> Outcome:
    """The sweep until its target or its budget, then its winner with fresh seeds."""
    from finesweep.cli.startup.template import load

    load()
    from finesweep.sweep.parent_run import parent_of
    from finesweep.sweep.study.study import open_study

    os.chdir(make_project(task))
    clock = Clock()
    plan = seeded_plan(task.overrides, task.seed)
    study = open_study(plan)
    with parent_of(plan, study):
        pass
    trajectory, setup = search(plan, task, clock)
    fresh = fresh_losses(plan, study) if trajectory.winner else ()
    return Outcome(tuple(trajectory.ends), trajectory.winner, fresh, setup)


def make_project(task: Task) -> Path:
    """A new folder with the sweep's file and the task's own files."""
    project = task.path / task.peer
    (project / "sweeps").mkdir(parents=True)
    (project / "sweeps" / f"{NAME}.yaml").write_text(sweep_file(task.dataset, task.path))
    if task.files:
        shutil.copytree(task.files, project, dirs_exist_ok=True)
    return project


def seeded_plan(overrides: Sequence[str], seed: int) -> SweepPlan:
    """The sweep with its own sampler, whichever that is, and this seed."""
    from finesweep.config import compose_sweep, parameters_of
    from finesweep.config.overrides.grammar import as_override

    given = [f"sweep.study={NAME}-{seed}", *overrides]
    node = dict(compose_sweep(NAME, given).settings.sampler)
    if "seed" in parameters_of(node):
        given.append(as_override("sweep.sampler", node | {"seed": SLOTS_BETWEEN_SEEDS * seed}))
    return compose_sweep(NAME, given)


def search(plan: SweepPlan, task: Task, clock: Clock) -> tuple[Trajectory, float]:
    """The search's slots, timed from the first claim on, and clock's CPU seconds at that moment.

    The peers' clocks, too, start when the study exists; a project's databases are made once.
    """
    from finesweep.sweep.worker.loop import WorkerLoop
    from finesweep.sweep.worker.session import worker_session

    def ended(row: Row) -> None:
        loss = row.value if row.state == "COMPLETE" else None
        trajectory.add(loss, row.state, row.params)

    def say(message: str) -> None:
        print(message, file=sys.stderr)

    def hung() -> None:
        os._exit(75)

    url = plan.base.config.storage.url
    with worker_session(plan.study_name, url, [], say=say, on_hang=hung) as session:
        setup = clock.read().cpu
        phase = next(session.phases())
        trajectory = Trajectory(task, Clock().read)
        WorkerLoop(
            session.plan,
            phase,
            session.callbacks,
            is_drained=trajectory.is_over,
            on_trial=ended,
        ).work()
    return trajectory, setup


def fresh_losses(plan: SweepPlan, study: optuna.Study) -> tuple[float, ...]:
    """The best trial's validation losses with fresh seeds, by finesweep's own training."""
    from finesweep.sweep.study.keys import PRECISION, VALUES

    values: dict[str, Any] = dict(study.best_trial.user_attrs[VALUES])
    if precision := study.user_attrs.get(PRECISION):
        values["training.precision"] = precision
    return tuple(_loss_of(plan, values, seed) for seed in FRESH_SEEDS)


def _loss_of(plan: SweepPlan, values: Mapping[str, Any], seed: int) -> float:
    from finesweep.api.progress import progress_console
    from finesweep.api.runs import run_training

    composed = plan.compose_trial({**values, "training.seed": seed})
    _, trained = run_training(composed, progress_console(False))
    loss: float = trained.result.best.metrics[plan.settings.metric]
    return loss
