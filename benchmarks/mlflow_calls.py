"""Counts a sweep's calls to MLflow, per trial and per sweep: each is a request to a server.

    python benchmarks/mlflow_calls.py [OVERRIDE…]

Two small sweeps of different numbers of trials run in this process; the difference is what a trial
costs. Prints calls of MLflow's store and SQL statements by method.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from functools import wraps
from inspect import isfunction
from pathlib import Path
from typing import Any

SIZES = (1, 3)
"""Numbers of trials of the two sweeps."""
SMALL = (
    "dataset.train_size=64",
    "dataset.validation_size=64",
    "dataset.test_size=64",
    "dataset.max_length=16",
    "training.epochs=1",
    "model=distil_minilm",
    "sweep.pruner=null",
    "sweep.confirm=null",
    "sweep.enqueue=[]",
    "sweep.register=null",
    "sweep.baseline=false",
    "sweep.report=false",
    "workers=1",
)
Counts = Counter[str]


def counted_calls(counts: Counts, seconds: Counts) -> None:
    """Counts each outermost call of the tracking store from now on, and each SQL statement."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import Engine, event

    depth = [0]

    def counting(name: str, method: Any) -> Any:
        @wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            depth[0] += 1
            try:
                return method(*arguments, **named)
            finally:
                depth[0] -= 1
                if not depth[0]:
                    counts[name] += 1
                    seconds[name] += time.perf_counter() - begun

        return call

    for name in dir(SqlAlchemyStore):
        method = getattr(SqlAlchemyStore, name)
        if isfunction(method) and not name.startswith("_"):
            setattr(SqlAlchemyStore, name, counting(name, method))

    @event.listens_for(Engine, "before_cursor_execute")
    def statement(connection: Any, *_: Any) -> None:
        if depth[0]:
            counts["SQL statements"] += 1


def run(n_trials: int, overrides: Sequence[str]) -> None:
    """Runs a sweep of n_trials in this process, in the current folder."""
    from finesweep.cli.sweeps import work
    from finesweep.config import compose_sweep
    from finesweep.sweep.parent_run import parent_of
    from finesweep.sweep.study.study import open_study

    name = f"calls-{n_trials}"
    own = [f"sweep.study={name}", f"sweep.n_trials={n_trials}", *SMALL, *overrides]
    plan = compose_sweep("demo", own)
    study = open_study(plan)
    with parent_of(plan, study):
        work.run([name])


def main() -> None:
    os.chdir(tempfile.mkdtemp(prefix="finesweep-calls-"))
    Path("mlruns").mkdir()
    counts, seconds = Counts(), Counts()
    counted_calls(counts, seconds)
    results = []
    for n_trials in SIZES:
        counts.clear()
        seconds.clear()
        run(n_trials, sys.argv[1:])
        results.append((dict(counts), dict(seconds)))
    (fewer, fewer_seconds), (more, more_seconds) = results
    n = SIZES[1] - SIZES[0]
    print(f"\n{'':<28}{'per trial':>10}{'per sweep':>10}{'ms a trial':>12}")
    totals = [0.0, 0.0, 0.0]
    for name in sorted(more, key=lambda name: -more[name]):
        each = (more[name] - fewer.get(name, 0)) / n
        rest = more[name] - SIZES[1] * each
        spent = 1000 * (more_seconds.get(name, 0) - fewer_seconds.get(name, 0)) / n
        print(f"{name:<28}{each:>10.1f}{rest:>10.1f}{spent:>12.1f}")
        if name != "SQL statements":
            totals = [a + b for a, b in zip(totals, (each, rest, spent), strict=True)]
    print(f"{'calls':<28}{totals[0]:>10.1f}{totals[1]:>10.1f}{totals[2]:>12.1f}")


if __name__ == "__main__":
    main()
