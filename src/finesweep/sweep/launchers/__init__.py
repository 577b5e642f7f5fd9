"""Launchers of a sweep's workers: this machine, a Ray cluster, a Slurm cluster.

A worker is always the command `finesweep work NAME …`; launchers differ in where they start it.
Ray and submitit are imported only when their launcher is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from finesweep.config import LauncherConfig


class WorkerHandle(Protocol):
    """One started worker; every call returns at once, also after the worker has ended."""

    @property
    def name(self) -> str:
        """Its name on screen, such as `worker 0`."""

    @property
    def pid(self) -> int | None:
        """Id of its process on this machine; None when it runs elsewhere."""

    def poll(self) -> int | None:
        """Its exit code; None while it runs. Never 0 when its machine was lost."""

    def drain(self) -> None:
        """Asks it to finish its slot and exit."""

    def interrupt(self) -> None:
        """Asks it to save a checkpoint, release its slot and exit: SIGTERM.

        Called once: a second signal makes the worker exit at once.
        """

    def kill(self) -> None:
        """Ends it at once; its slot is free when its lease expires."""

    def last_output(self) -> str:
        """The last lines that it printed, or why there are none; for the screen."""


class Launcher(Protocol):
    """Starts workers and holds their resources."""

    def start(self, index: int) -> WorkerHandle:
        """Starts worker `index`, in [0, workers); called again, it replaces a dead worker."""

    def close(self) -> None:
        """Releases all resources; workers that still run finish their slot and exit."""


def make_launcher(
    config: LauncherConfig,
    *,
    command: Sequence[str],
    workers: int,
    logs: Path,
    template: Sequence[str] | None = None,
) -> Launcher:
    """The configured launcher; nothing runs until its `start` is called.

    command is a worker's argv, to which launchers add --attached; logs is the folder of
    worker-INDEX.log. template is the argv of the process that forks local workers; without one each
    worker is a new process. ConfigError when there are too few GPUs, when a package is missing, or
    when Slurm is not on this machine; FinesweepError when the Ray cluster does not respond.
    """
    if config.name == "ray":
        from finesweep.sweep.launchers.ray import RayLauncher

        return RayLauncher(config, command=command, logs=logs)
    if config.name == "slurm":
        from finesweep.sweep.launchers.slurm import SlurmLauncher

        return SlurmLauncher(config, command=command, workers=workers)
    from finesweep.sweep.launchers.local import LocalLauncher

    return LocalLauncher(
        command=command,
        template=template,
        workers=workers,
        logs=logs,
        workers_per_gpu=config.workers_per_gpu,
        devices_per_trial=config.devices_per_trial,
    )
