"""Processes that open one store concurrently, or that are killed while they use it."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from finesweep.config import TrackingConfig
from finesweep.records import Evaluation
from finesweep.tracking import Outbox, deliver, open_store, start_run

IMPORTS = [
    "finesweep.tracking",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "psycopg",
    "sqlalchemy.dialects.sqlite",
]
"""Of every process that opens a store. A test session has one server of forks, which the first test
starts, in whatever folder: it finds what is installed, but no module of the tests."""


def fork_server() -> ForkServerContext:
    """Starts processes in which IMPORTS are done."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(IMPORTS)
    return server


def opened_at_once(uri: str, n_processes: int) -> list[str]:
    """Each process's experiment id, or its error."""
    server = fork_server()
    barrier, answers = server.Barrier(n_processes), server.Queue()
    arguments = (barrier, uri, answers)
    processes = [server.Process(target=_open, args=arguments) for _ in range(n_processes)]
    for process in processes:
        process.start()
    ids = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    return ids


def _open(barrier: Barrier, uri: str, answers: Any) -> None:
    """Opens the store once all processes are ready, writes a run, and sends the result."""
    try:
        barrier.wait()
        store = open_store(TrackingConfig(uri=uri))
        start_run(store, name="first").finish("FINISHED")
        answers.put(store.experiment_id)
    except BaseException as error:
        answers.put(repr(error))


def append_for_ever(folder: str, said: Any) -> None:
    """The trial that is killed: sends each step once it is logged."""
    outbox = Outbox(Path(folder))
    for step in range(1, 10**9):
        outbox.log_evaluation(Evaluation(step, 0.0, {"m": float(step)}))
        said.send(step)


def deliver_until(event: int, folder: str, uri: str) -> None:
    """The delivery that is killed at its nth operation on the outbox's files."""
    store, n_events = open_store(TrackingConfig(uri=uri)), 0

    def count(name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal n_events
        if name.startswith(("open", "os.", "shutil.")) and folder in str(arguments):
            n_events += 1
            if n_events == event:
                os._exit(9)

    sys.addaudithook(count)
    deliver(Path(folder), store)
