"""Processes that open one store concurrently."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier
from typing import Any

from finesweep.config import TrackingConfig
from finesweep.tracking import open_store, start_run


def opened_at_once(uri: str, n_processes: int) -> list[str]:
    """Each process's experiment id, or its error."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["finesweep.tracking"])  # imported once, not by each process
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
