"""Workers as child processes of the coordinator."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from finesweep.sweep.launchers.gpus import assign_gpus, visible_gpus
from finesweep.sweep.launchers.process import WorkerProcess, thread_setting


class LocalLauncher:
    """Divides this machine's cores and GPUs among its workers."""

    def __init__(
        self, *, command: Sequence[str], workers: int, logs: Path, workers_per_gpu: int
    ) -> None:
        gpus = visible_gpus(os.environ)
        self._gpus = assign_gpus(workers, gpus, workers_per_gpu=workers_per_gpu)
        self._threads = usable_cores() // workers
        self._command = tuple(command)
        self._logs = logs
        self._workers: dict[int, WorkerProcess] = {}

    def start(self, index: int) -> WorkerProcess:
        gpu = self._gpus[index]
        worker = WorkerProcess(
            f"worker {index}",
            command=self._command,
            environment={
                **thread_setting(self._threads),
                **({} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}),
            },
            log=self._logs / f"worker-{index}.log",
        )
        self._workers[index] = worker
        return worker

    def close(self) -> None:
        for worker in self._workers.values():
            worker.drain()


def usable_cores() -> int:
    """Cores that this process may run on, which on a shared machine are fewer than it has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
