"""The machine's CPU, memory, disk, network and GPUs while a run trains, as MLflow names them.

MLflow's own monitors read the values. Its thread is not used: it asks the server for the run at
every sample, and writes past the outbox.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from finesweep.config import TrackingConfig
from finesweep.tracking.runs import RunLog

SAMPLE_SECONDS = 10.0
SAMPLES_PER_ENTRY = 6
"""Samples whose mean is logged: a call of MLflow's a minute for each running trial."""
STOP_SECONDS = 5.0
"""Limit for an entry that is being written when the run ends."""
PREFIX = "system/"
DRIVER = Path("/proc/driver/nvidia/version")


@contextmanager
def system_metrics(
    log: RunLog, config: TrackingConfig, step: Callable[[], int], *, seconds: float = SAMPLE_SECONDS
) -> Iterator[None]:
    """Within it a thread logs `system/…` with `tracking.system_metrics`; at least once, at the end.

    step is called for the training examples seen; seconds are between two samples. An error costs
    an entry, and the run nothing.
    """
    if not config.system_metrics:
        yield
        return
    over = threading.Event()
    arguments = (log, step, seconds, over)
    thread = threading.Thread(target=_watch, args=arguments, name="system metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(STOP_SECONDS)


def missing_package(config: TrackingConfig) -> str | None:
    """A message if this machine's GPUs cannot be read, with the command that mends it."""
    if not config.system_metrics or not DRIVER.exists() or find_spec("pynvml") is not None:
        return None
    return "tracking.system_metrics leaves out the GPUs; type: pip install 'finesweep[gpu]'"


def _watch(log: RunLog, step: Callable[[], int], seconds: float, over: threading.Event) -> None:
    with suppress(Exception):
        monitors = _monitors()
        for monitor in monitors:  # a share of CPU time is one since the last look
            monitor.collect_metrics()
            monitor.clear_metrics()
        is_over = False
        while not is_over:
            for _ in range(SAMPLES_PER_ENTRY):
                is_over = over.wait(seconds)
                for monitor in monitors:
                    monitor.collect_metrics()
                if is_over:
                    break
            values = {
                f"{PREFIX}{name}": value
                for monitor in monitors
                for name, value in monitor.aggregate_metrics().items()
            }
            for monitor in monitors:
                monitor.clear_metrics()
            with suppress(Exception):
                log.log_metrics(values, step=step())


def _monitors() -> list[Any]:
    """MLflow's monitors of this machine; those of GPUs raise where there is none."""
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor
    from mlflow.system_metrics.metrics.rocm_monitor import ROCMMonitor

    machine: tuple[Any, ...] = (CPUMonitor, DiskMonitor, NetworkMonitor)
    monitors = [kind() for kind in machine]
    for kind in (GPUMonitor, ROCMMonitor):
        with suppress(Exception):
            monitors.append(kind())
            break
    return monitors
