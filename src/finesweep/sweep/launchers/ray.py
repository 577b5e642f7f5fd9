"""Workers as actors of a Ray cluster."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finesweep.errors import ConfigError, FinesweepError, Problem
from finesweep.sweep.launchers.ray_worker import RayWorker, Seat
from finesweep.sweep.launchers.worker_process import thread_setting

if TYPE_CHECKING:
    from finesweep.config import LauncherConfig

FORWARDED = ("FINESWEEP_", "MLFLOW_", "HF_")
"""Prefixes of settings that workers need too; a cluster's processes do not inherit ours."""
CONNECT_SECONDS = 10.0


class RayLauncher:
    """One actor per worker, on the cluster of `address`, of RAY_ADDRESS, or on this machine."""

    def __init__(self, config: LauncherConfig, *, command: Sequence[str], logs: Path) -> None:
        self._ray = imported()
        self._connected = connect(self._ray, config.address)
        self._command = tuple(command)
        self._logs = logs.absolute()
        self._environment = {
            **{key: value for key, value in os.environ.items() if key.startswith(FORWARDED)},
            **thread_setting(config.cpus_per_worker),
            "PWD": str(Path.cwd()),
        }
        self._seat = self._ray.remote(Seat).options(
            num_cpus=config.cpus_per_worker,
            num_gpus=config.gpus_per_worker,
            max_concurrency=4,  # `run` holds one until the worker ends
            scheduling_strategy="SPREAD",
        )
        self._workers: dict[int, RayWorker] = {}

    def start(self, index: int) -> RayWorker:
        name = f"worker {index}"
        log = str(self._logs / f"worker-{index}.log")
        actor = self._seat.remote(name, self._command, self._environment, log)
        self._workers[index] = RayWorker(self._ray, name, actor)
        return self._workers[index]

    def close(self) -> None:
        for worker in self._workers.values():
            worker.drain()
        self._workers.clear()
        if self._connected:
            self._ray.shutdown()


def imported() -> Any:
    """The package `ray`; ConfigError without it."""
    try:
        import ray
    except ModuleNotFoundError as error:
        told = "ray needs a package that is not installed: pip install 'finesweep[ray]'"
        raise ConfigError(Problem("launcher", told)) from error
    return ray


def connect(ray: Any, address: str | None) -> bool:
    """Whether this call connected, or a caller of ours had; FinesweepError when none answers."""
    if ray.is_initialized():
        return False
    found = address or os.environ.get("RAY_ADDRESS") or "local"
    # For a cluster of our own: it would report its use to Ray's makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _knock(found)
        ray.init(address=found, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ray.exceptions.RayError) as error:
        raise FinesweepError(f"no Ray cluster answers at {found}") from error
    finally:
        # Ray installs a handler of its own, which would end the coordinator without its farewell.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    return True


def _knock(address: str) -> None:
    """OSError when nothing listens at HOST:PORT, for which Ray itself would wait minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
