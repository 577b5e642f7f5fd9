"""What the sweep engine itself costs: trials per second, and per trial as a study grows.

python benchmarks/engine.py [--storage sqlite postgresql] [--seconds 8] [--sizes 10 100 1000 5000]

The trials are empty: a value, and the attributes that a real one leaves. The engine's own part is
what a worker does between two trials (reconcile, claim, tell, settle); apart from it stand the
sampler's suggestions and one evaluation's report with the pruner's answer. All figures are medians.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

os.environ["OMP_NUM_THREADS"] = "1"
for _name in ("FINESWEEP_STORAGE_URL", "MLFLOW_TRACKING_URI"):
    os.environ.pop(_name, None)

SERVER = "postgresql://postgres@127.0.0.1:5432"
SAMPLERS = {"TPE": "optuna.samplers.TPESampler", "Random": "optuna.samplers.RandomSampler"}
SWEEP = """\
# @package sweep
# Four parameters of three kinds, as small sweeps have them
n_trials: {n_slots}
study: {study}
sampler: {{_target_: {sampler}, seed: 1}}
pruner: {{_target_: optuna.pruners.MedianPruner}}
params:
  model: choice(minilm, distil_minilm)
  training.learning_rate: tag(log, interval(1e-5, 1e-3))
  training.weight_decay: interval(0.0, 0.1)
  training.epochs: range(1, 8)
"""
SPEED_SLOTS = 5000
"""More than any number of workers gets through in the time of a measurement."""
CLOCK = [time.perf_counter]
"""time.thread_time with --cpu: for a machine on which others are busy."""
Spent = dict[str, list[float]]
"""Milliseconds of each trial, by the part of it that took them."""
OWN = ("reconcile", "claim", "_tell", "_clean_up", "between")
PARTS = (*OWN, "suggest", "report")


def plan_for(url: str, *, n_slots: int, sampler: str) -> Any:
    """The plan of ./sweeps/engine.yaml, written here."""
    from finesweep.config import compose_sweep

    text = SWEEP.format(n_slots=n_slots, study=sampler.lower(), sampler=SAMPLERS[sampler])
    Path("sweeps").mkdir(exist_ok=True)
    Path("sweeps/engine.yaml").write_text(text)
    return compose_sweep("engine", [f"storage.url='{url}'"])


@contextmanager
def worker_of(plan: Any, study: Any, *, until: Callable[[], bool], run: Any) -> Iterator[Any]:
    """A real worker with a real lease, and a delivery that has nothing to deliver."""
    from finesweep.sweep.signals import Interruption
    from finesweep.sweep.study.leases import Lease
    from finesweep.sweep.study.optuna_private import engine_of
    from finesweep.sweep.worker.callbacks import WorkerCallbacks
    from finesweep.sweep.worker.loop import WorkerLoop
    from finesweep.sweep.worker.phases import Search

    engine = engine_of(study)
    lease = Lease(
        engine,
        study.study_name,
        lease_seconds=plan.settings.lease_seconds,
        hang_seconds=plan.settings.hang_seconds,
        on_hang=lambda: None,
    )
    delivery = cast(Any, SimpleNamespace(call=lambda job, key: None, add=lambda folder: None))
    reports = WorkerCallbacks(lease, Interruption(), delivery, outboxes=Path("none"), say=print)
    try:
        yield WorkerLoop(plan, Search(plan, study), reports, is_drained=until, run=run)
    finally:
        lease.leave()


def empty_trial(attempt: Any, spent: Spent | None = None) -> float:
    """A value for parameters that the sampler chose, with one report, as a real trial leaves."""
    from finesweep.sweep.study.keys import CHECKPOINT, MODEL, VALUES
    from finesweep.sweep.study.search_space import suggest

    began = CLOCK[0]()
    values = suggest(attempt.trial, attempt.plan)
    suggested = CLOCK[0]()
    attempt.trial.set_user_attr(MODEL, values["model"])
    attempt.trial.set_user_attr(VALUES, values)
    attempt.trial.set_user_attr(CHECKPOINT, str(attempt.folder / "attempt-1" / "model"))
    value = float(values["training.weight_decay"])
    evaluated = CLOCK[0]()
    attempt.trial.report(value, step=3)
    attempt.trial.should_prune()
    if spent is not None:
        spent["suggest"].append(1000 * (suggested - began))
        spent["report"].append(1000 * (CLOCK[0]() - evaluated))
    return value


def clocked(worker: Any, spent: Spent) -> None:
    """Times the worker's parts from now on."""
    from finesweep.sweep.worker import loop as module

    def clock(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = CLOCK[0]()
            try:
                return call(*args, **kwargs)
            finally:
                spent[name].append(1000 * (CLOCK[0]() - began))

        return timed

    for name in ("reconcile", "claim"):
        original = getattr(module, name)
        setattr(module, name, clock(name, getattr(original, "original", original)))
        getattr(module, name).original = getattr(original, "original", original)
    for name in ("_tell", "_clean_up"):
        setattr(worker, name, clock(name, getattr(worker, name)))
    worker.run_attempt = clock("run", worker.run_attempt)


def costs(plan: Any, study: Any, *, n_trials: int) -> tuple[Spent, cProfile.Profile]:
    """The parts of each of n_trials trials in the study as it is, and a profile of as many more."""
    spent: Spent = defaultdict(list)
    _run(plan, study, spent, n_trials=n_trials + 1)  # the first one warms the caches
    profile = cProfile.Profile()
    profile.runcall(_run, plan, study, defaultdict(list), n_trials=n_trials)
    return {name: values[1:] for name, values in spent.items()}, profile


def _run(plan: Any, study: Any, spent: Spent, *, n_trials: int) -> None:
    def until() -> bool:
        if spent["began"]:
            spent["whole"].append(1000 * (CLOCK[0]() - spent["began"][-1]))
        spent["began"].append(CLOCK[0]())
        return len(spent["whole"]) >= n_trials

    trial = lambda attempt: empty_trial(attempt, spent)  # noqa: E731
    with worker_of(plan, study, until=until, run=trial) as worker:
        clocked(worker, spent)
        worker.work()
    named = zip(*(spent[name] for name in ("whole", "run", *OWN[:4])), strict=True)
    spent["between"] = [whole - sum(parts) for whole, *parts in named]


def fill(plan: Any, study: Any, *, upto: int) -> None:
    """Finished trials, one a slot, until the study has upto of them; in bulk, past Optuna."""
    import optuna

    from finesweep.sweep.study.search_space import suggest

    first = len(study.get_trials(deepcopy=False))
    drawn = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=first))
    made = []
    for slot in range(first, upto):
        trial = drawn.ask()
        values = suggest(trial, plan)
        for name, value in _attributes(plan, slot, values).items():
            trial.set_user_attr(name, value)
        for step in (1, 2, 3):
            trial.report(0.5 + 0.1 / step, step)
        made.append(drawn.tell(trial, values["training.weight_decay"]))
    _insert(study, made)


def _attributes(plan: Any, slot: int, values: dict[str, Any]) -> dict[str, Any]:
    from finesweep.sweep.study.keys import ATTEMPT, CHECKPOINT, MODEL, SLOT, VALUES
    from finesweep.sweep.study.weights import slot_folder

    folder = slot_folder(plan.base.config.storage.checkpoints, plan.study_name, slot)
    return {
        SLOT: slot,
        ATTEMPT: 1,
        MODEL: values["model"],
        VALUES: values,
        CHECKPOINT: str(folder / "attempt-1" / "model"),
    }


def _insert(study: Any, trials: Sequence[Any]) -> None:
    from optuna.distributions import distribution_to_json
    from optuna.storages._rdb import models
    from sqlalchemy import insert, text

    from finesweep.sweep.study.optuna_private import engine_of

    rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    with engine_of(study).begin() as connection:
        asked = text("SELECT coalesce(max(trial_id), 0), count(*) FROM trials")
        last, n_trials = connection.execute(asked).one()
        for k, trial in enumerate(trials):
            key = {"trial_id": last + 1 + k}
            rows[models.TrialModel].append(
                {
                    **key,
                    "number": n_trials + k,
                    "study_id": study._study_id,
                    "state": trial.state,
                    "datetime_start": trial.datetime_start,
                    "datetime_complete": trial.datetime_complete,
                }
            )
            kind = models.TrialValueModel.TrialValueType.FINITE
            value = {"objective": 0, "value": trial.value, "value_type": kind}
            rows[models.TrialValueModel].append(key | value)
            kind = models.TrialIntermediateValueModel.TrialIntermediateValueType.FINITE
            for step, value in trial.intermediate_values.items():
                row = {"step": step, "intermediate_value": value, "intermediate_value_type": kind}
                rows[models.TrialIntermediateValueModel].append(key | row)
            for name, value in trial.user_attrs.items():
                row = {"key": name, "value_json": json.dumps(value)}
                rows[models.TrialUserAttributeModel].append(key | row)
            for name, value in trial.params.items():
                space = trial.distributions[name]
                row = {
                    "param_name": name,
                    "param_value": space.to_internal_repr(value),
                    "distribution_json": distribution_to_json(space),
                }
                rows[models.TrialParamModel].append(key | row)
        for model, entries in rows.items():
            connection.execute(insert(model), entries)
        if connection.dialect.name == "postgresql" and trials:
            sequence = text("SELECT setval('trials_trial_id_seq', :last)")
            connection.execute(sequence, {"last": last + len(trials)})


def growth(url: str, sizes: Sequence[int], *, sampler: str, n_trials: int, profiled: bool) -> None:
    """Prints one row per size of the study: medians of n_trials trials."""
    from finesweep.sweep.study.study import open_study

    plan = plan_for(url, n_slots=1, sampler=sampler)
    study, own = open_study(plan), {}
    print(f"\n{url.partition(':')[0]}, {sampler}: ms per trial, medians of {n_trials}")
    print(f"{'trial':>6} {'own':>8}" + "".join(f"{name.strip('_'):>11}" for name in PARTS))
    for size in sizes:
        fill(plan, study, upto=size)
        # No more slots than this size needs: later ones would make the early figures dearer.
        study.set_user_attr("n_trials", size + 2 * n_trials + 10)
        spent, profile = costs(plan, study, n_trials=n_trials)
        middle = {name: statistics.median(spent[name]) for name in PARTS}
        each = zip(*(spent[name] for name in OWN), strict=True)
        own[size] = statistics.median(map(sum, each))
        row = "".join(f"{middle[name]:>11.2f}" for name in PARTS)
        print(f"{size:>6} {own[size]:>8.2f}{row}", flush=True)
        if profiled:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    if 100 in own:
        print(f"own part at {max(sizes)}: {own[max(sizes)] / own[100]:.2f} times that at 100")


def speed(url: str, n_workers: int, *, seconds: float) -> float:
    """Trials per second of so many worker processes, once all of them are at work."""
    from finesweep.sweep.study.study import open_study

    study = open_study(plan_for(url, n_slots=SPEED_SLOTS, sampler="Random"))
    command = [sys.executable, "-W", "ignore", __file__, "--work", url]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        for _ in range(n_workers)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()  # it has joined
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{seconds}\n".encode())
    assert not any(process.wait() for process in processes)
    ended = [t.datetime_complete for t in study.get_trials(deepcopy=False) if t.state.is_finished()]
    slots = {
        t.user_attrs["slot"] for t in study.get_trials(deepcopy=False) if t.state.is_finished()
    }
    assert len(slots) == len(ended), "a slot was finished twice"
    return len(ended) / seconds


def work(url: str) -> None:
    """One worker process of speed()."""
    from finesweep.sweep.study.study import join_study

    plan, study = join_study("random", url, [], lambda why: None)
    end = [float("inf")]
    until = lambda: time.monotonic() > end[0]  # noqa: E731
    with worker_of(plan, study, until=until, run=empty_trial) as worker:
        print("ready", flush=True)
        end[0] = time.monotonic() + float(sys.stdin.readline())
        worker.work()


@contextmanager
def database(storage: str, folder: Path) -> Iterator[str]:
    """A new one's URL; PostgreSQL's is dropped afterwards."""
    if storage == "sqlite":
        yield f"sqlite:///{Path(tempfile.mkdtemp(dir=folder)) / 'optuna.db'}"
        return
    import psycopg

    name = f"finesweep_engine_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(cast(Any, f'CREATE DATABASE "{name}"'))
    try:
        yield f"{SERVER}/{name}"
    finally:
        with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
            connection.execute(cast(Any, f'DROP DATABASE "{name}" WITH (FORCE)'))


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("--storage", nargs="*", choices=["sqlite", "postgresql"], default=["sqlite"])
    cli.add_argument("--workers", nargs="*", type=int, default=[1, 2, 4, 8])
    cli.add_argument("--seconds", type=float, default=8.0, help="of each measurement of speed")
    cli.add_argument("--repeats", type=int, default=3)
    cli.add_argument("--sizes", nargs="*", type=int, default=[10, 100, 1000, 5000])
    cli.add_argument("--trials", type=int, default=15, help="at each size")
    cli.add_argument("--samplers", nargs="*", choices=list(SAMPLERS), default=list(SAMPLERS))
    cli.add_argument("--profile", action="store_true")
    cli.add_argument("--work", help=argparse.SUPPRESS)
    cli.add_argument("--cpu", action="store_true", help="CPU time instead of wall time")
    given = cli.parse_args()
    CLOCK[0] = time.thread_time if given.cpu else time.perf_counter
    warnings.simplefilter("ignore")
    if given.work:
        work(given.work)
        return
    with tempfile.TemporaryDirectory(prefix="finesweep-engine-") as name:
        folder = Path(name)
        os.chdir(folder)
        for storage in given.storage:
            for n_workers in given.workers:
                found = []
                for _ in range(given.repeats):
                    with database(storage, folder) as url:
                        found.append(speed(url, n_workers, seconds=given.seconds))
                print(f"{storage}, {n_workers} workers: {statistics.median(found):.1f} trials/s")
            for sampler in given.samplers if given.sizes else ():
                with database(storage, folder) as url:
                    growth(
                        url,
                        given.sizes,
                        sampler=sampler,
                        n_trials=given.trials,
                        profiled=given.profile,
                    )


if __name__ == "__main__":
    main()
