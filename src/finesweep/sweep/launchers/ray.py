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
from finesweep.sweep.launchers.ray_worker import RayActor, RayWorker
from finesweep.sweep.launchers.worker_process import thread_setting

if TYPE_CHECKING:
    from finesweep.config import LauncherConfig

FORWARDED = ("FINESWEEP_", "MLFLOW_", "HF_")
"""Prefixes of environment variables forwarded to workers, which do not inherit ours."""
CONNECT_SECONDS = 10.0


class RayLauncher:
    """One actor per worker, on the cluster at `address` or RAY_ADDRESS, or else on this machine."""

    def __init__(self, config: LauncherConfig, *, command: Sequence[str], logs: Path) -> None:
        self._ray = import_ray()
        self._is_owner = connect(self._ray, config.address)
        self._command = tuple(command)
        self._logs = logs.absolute()
        self._environment = {
            **{key: value for key, value in os.environ.items() if key.startswith(FORWARDED)},
            **thread_setting(config.cpus_per_worker // config.devices_per_trial),
            "PWD": str(Path.cwd()),
        }
        self._actor_class = self._ray.remote(RayActor).options(
            num_cpus=config.cpus_per_worker,
            num_gpus=config.gpus_per_worker,
            max_concurrency=4,  # `run` holds one until the worker ends
            scheduling_strategy="SPREAD",
        )
        self._workers: dict[int, RayWorker] = {}

    def start(self, index: int) -> RayWorker:
        name = f"worker {index}"
        log = str(self._logs / f"worker-{index}.log")
        actor = self._actor_class.remote(name, self._command, self._environment, log)
        self._workers[index] = RayWorker(self._ray, name, actor)
        return self._workers[index]

    def close(self) -> None:
        for worker in self._workers.values():
            worker.drain()
        self._workers.clear()
        if self._is_owner:
            self._ray.shutdown()


def import_ray() -> Any:
    """The package `ray`; ConfigError without it."""
    try:
        import ray
    except ModuleNotFoundError as error:
        message = "ray needs a package that is not installed: pip install 'finesweep[ray]'"
        raise ConfigError(Problem("launcher", message)) from error
    return ray


def connect(ray: Any, address: str | None) -> bool:
    """Whether this call connected; False when the calling program already had. FinesweepError when
    no cluster responds, or Ray refuses the one that does."""
    if ray.is_initialized():
        return False
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    # A cluster that we start would report usage statistics to Ray's makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _require_listener(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ray.exceptions.RayError) as error:
        raise FinesweepError(f"no Ray cluster responds at {address}") from error
    except (RuntimeError, ValueError) as error:  # such as another version, or no address at all
        ray.shutdown()  # otherwise it stays half connected
        message = f"the Ray cluster at {address} cannot be used: {str(error).strip()}"
        raise FinesweepError(message) from error
    finally:
        # Ray installs its own handler, which would end the coordinator before its workers exit.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    return True


def _require_listener(address: str) -> None:
    """Raises OSError when nothing listens at HOST:PORT; Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
