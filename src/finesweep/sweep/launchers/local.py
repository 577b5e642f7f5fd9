"""Workers on this machine: forked from the coordinator's template, or its child processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from finesweep.sweep.launchers.forked import CAN_FORK, Template
from finesweep.sweep.launchers.gpus import assign_gpus, visible_gpus
from finesweep.sweep.launchers.worker_process import WorkerProcess, thread_setting


class LocalLauncher:
    """Divides this machine's cores and GPUs among its workers."""

    def __init__(
        self,
        *,
        command: Sequence[str],
        template: Sequence[str] | None,
        workers: int,
        logs: Path,
        workers_per_gpu: int,
        devices_per_trial: int = 1,
    ) -> None:
        gpus = visible_gpus(os.environ)
        self._gpus = assign_gpus(
            workers, gpus, workers_per_gpu=workers_per_gpu, devices_per_trial=devices_per_trial
        )
        self._threads = usable_cores() // (workers * devices_per_trial)
        self._command = tuple(command)
        # CUDA does not survive a fork, so with GPUs no worker is forked.
        self._template_command = None if gpus or not CAN_FORK else template
        self._template: Template | None = None
        self._logs = logs
        self._workers: dict[int, WorkerProcess] = {}

    def start(self, index: int) -> WorkerProcess:
        if self._template is None and self._template_command is not None:
            self._template = Template(self._template_command)
        gpu = self._gpus[index]
        worker = WorkerProcess(
            f"worker {index}",
            command=self._command,
            environment={
                **thread_setting(self._threads),
                **({} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}),
            },
            log=self._logs / f"worker-{index}.log",
            template=self._template,
        )
        self._workers[index] = worker
        return worker

    def close(self) -> None:
        for worker in self._workers.values():
            worker.drain()
        if self._template is not None:
            self._template.close()


def usable_cores() -> int:
    """Number of cores that this process may use; on a shared machine fewer than it has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
