"""Workers as tasks of a Slurm job array, submitted through submitit."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finesweep.errors import ConfigError, FinesweepError, Problem
from finesweep.sweep.launchers.slurm_commands import Processes, Slurm
from finesweep.sweep.launchers.slurm_task import ArrayTask, RequestFiles
from finesweep.sweep.launchers.slurm_worker import SlurmWorker

if TYPE_CHECKING:
    from finesweep.config import LauncherConfig

MAX_TIMEOUTS = 1000
"""A sweep ends by its own budget; submitit's default of 3 timeouts would cut a long one short."""


class SlurmLauncher:
    """Submits all workers as one array, and a single job to replace each dead one."""

    def __init__(self, config: LauncherConfig, *, command: Sequence[str], workers: int) -> None:
        self._executor = make_executor(config)
        self._scheduler = Slurm() if config.cluster == "slurm" else Processes()
        self._command = tuple(command)
        self._threads = config.cpus_per_worker // config.devices_per_trial
        self._n_workers = workers
        self._claimed: set[int] = set()
        self._workers: dict[int, SlurmWorker] = {}

    def start(self, index: int) -> SlurmWorker:
        if not self._workers:
            self._workers = self._submit(range(self._n_workers))
        elif index in self._claimed:
            self._workers |= self._submit([index])
        self._claimed.add(index)
        return self._workers[index]

    def close(self) -> None:
        for worker in self._workers.values():
            worker.drain()

    def _submit(self, indices: Sequence[int]) -> dict[int, SlurmWorker]:
        """Index → worker; FinesweepError with sbatch's message when it refuses."""
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        files = [RequestFiles(Path(self._executor.folder) / uuid.uuid4().hex) for _ in indices]
        tasks = [ArrayTask(self._command, requests=each, threads=self._threads) for each in files]
        try:
            jobs = self._executor.submit_array(tasks)
        except (FailedJobError, FailedSubmissionError) as error:
            raise FinesweepError(f"sbatch refused the workers: {error}") from error
        for job in jobs:
            self._scheduler.note(job)
        return {
            index: SlurmWorker(f"worker {index}", job, requests=each, scheduler=self._scheduler)
            for index, job, each in zip(indices, jobs, files, strict=True)
        }


def make_executor(config: LauncherConfig) -> Any:
    """submitit's executor for jobs of one worker each.

    ConfigError without submitit, without Slurm on this machine, or for a fraction of a GPU.
    """
    try:
        import submitit
    except ModuleNotFoundError as error:
        message = "slurm needs a package that is not installed: pip install 'finesweep[slurm]'"
        raise ConfigError(Problem("launcher", message)) from error
    logging.getLogger("submitit").setLevel(logging.ERROR)
    if config.gpus_per_worker != int(config.gpus_per_worker):
        message = f"{config.gpus_per_worker} given; must be a whole number with Slurm"
        raise ConfigError(Problem("launcher.gpus_per_worker", message))
    try:
        executor = submitit.AutoExecutor(
            config.folder, cluster=config.cluster, slurm_max_num_timeout=MAX_TIMEOUTS
        )
    except RuntimeError as error:
        message = "slurm given; srun is not on this machine; start the sweep where it is"
        raise ConfigError(Problem("launcher.cluster", message)) from error
    executor.update_parameters(
        name="finesweep",
        timeout_min=config.timeout_minutes,
        cpus_per_task=config.cpus_per_worker,
        gpus_per_node=int(config.gpus_per_worker) or None,
        mem_gb=config.mem_gb,
        stderr_to_stdout=True,
        slurm_partition=config.partition,
        slurm_account=config.account,
        # Time for a checkpoint: two minutes, or a quarter of a very short job.
        slurm_signal_delay_s=min(120, 15 * config.timeout_minutes),
        slurm_additional_parameters=dict(config.parameters),
    )
    return executor
