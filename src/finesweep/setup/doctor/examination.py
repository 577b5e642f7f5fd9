"""The doctor's examinations, quick ones first, each of which ends in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from finesweep.config import Config
from finesweep.setup.doctor.findings import Finding, within

LIMIT_SECONDS = 15
IMPORT_SECONDS = 90
"""Limit where torch is imported, which takes long from a cold disk."""


def examine(config: Config) -> Iterator[Finding]:
    """One finding after another for this machine and the config's stores; creates nothing."""
    for name, examination in _examinations(config).items():
        seconds = IMPORT_SECONDS if name == "precision" else LIMIT_SECONDS
        yield within(seconds, name, examination)


def _examinations(config: Config) -> dict[str, Callable[[], Finding]]:
    from finesweep.setup.doctor import machine, packages, services, stores

    return {
        "python": packages.python,
        "packages": packages.packages,
        "extras": packages.extras,
        "cpu": machine.cpu,
        "memory": machine.memory,
        "disk": partial(machine.disk, config),
        "gpu": machine.gpu,
        "precision": _precision,
        "storage": partial(stores.storage, config.storage),
        "tracking": partial(stores.tracking, config.tracking),
        "hub": services.hub,
        "ray": partial(services.ray, config.launcher),
        "slurm": partial(services.slurm, config.launcher),
        "browser": services.browser,
    }


def _precision() -> Finding:
    from finesweep.setup.doctor.precision import precision

    return precision()
