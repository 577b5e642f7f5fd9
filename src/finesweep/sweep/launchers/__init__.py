"""Where a sweep's workers run: this machine, a Ray cluster, a Slurm cluster.

A worker is always the command `finesweep work NAME …`; launchers differ in where they start it.
Ray and submitit are imported only when their launcher is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from finesweep.config import LauncherConfig


class WorkerHandle(Protocol):
    """One started worker; every call returns at once, also after its end."""

    @property
    def name(self) -> str:
        """What the screen calls it, such as `worker 0`."""

    @property
    def pid(self) -> int | None:
        """Its process on this machine; None where it runs elsewhere."""

    def poll(self) -> int | None:
        """Its exit code once it has ended, else None; not 0 when its machine was lost."""

    def drain(self) -> None:
        """Asks it to finish the slot that it has, and to leave."""

    def interrupt(self) -> None:
        """Asks it to keep a checkpoint, to release its slot, and to leave: SIGTERM.

        Called once: a worker that is told twice leaves at once.
        """

    def kill(self) -> None:
        """Ends it at once; its slot is free when its lease runs out."""

    def last_output(self) -> str:
        """The last lines that it printed, or why there are none; for the screen."""


class Launcher(Protocol):
    """Starts workers, and holds what they need."""

    def start(self, index: int) -> WorkerHandle:
        """WorkerHandle `index` of 0 … workers - 1; called again, one in the place of a dead one."""

    def close(self) -> None:
        """Lets go of everything; workers that still run finish their slot and leave."""


def make_launcher(
    config: LauncherConfig,
    *,
    command: Sequence[str],
    workers: int,
    logs: Path,
    template: Sequence[str] | None = None,
) -> Launcher:
    """The launcher of this name; nothing runs until its `start` is called.

    command is a worker's whole argv, to which launchers add --attached; logs is the folder of
    worker-INDEX.log. template is the argv of a warm process that local workers are forked from;
    without one each is a process of its own. ConfigError when there are not enough GPUs, when a
    package is missing, or when Slurm is not on this machine; FinesweepError when no Ray cluster
    answers.
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
    )
