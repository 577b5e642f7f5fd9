"""The doctor's examinations, quick ones first, each of which ends in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from finesweep.config import Config
from finesweep.setup.doctor.findings import Finding, within

LIMIT_SECONDS = 15
IMPORT_SECONDS = 90
"""Limit where torch is imported, which takes long from a cold disk."""


@dataclass(frozen=True)
class Examination:
    """How one part is examined."""

    run: Callable[[], Finding]
    needed: bool = True
    """Whether sweeps on this machine need the part when nothing more is found out about it."""
    seconds: float = LIMIT_SECONDS


def examine(config: Config) -> Iterator[Finding]:
    """One finding after another for this machine and the config's stores; creates nothing."""
    for name, each in _examinations(config).items():
        yield within(each.seconds, name, each.run, needed=each.needed)


def _examinations(config: Config) -> dict[str, Examination]:
    from finesweep.setup.doctor import machine, packages, services, stores

    launcher = config.launcher
    return {
        "python": Examination(packages.python),
        "packages": Examination(packages.packages),
        "extras": Examination(packages.extras, needed=False),
        "cpu": Examination(machine.cpu, needed=False),
        "memory": Examination(machine.memory),
        "disk": Examination(partial(machine.disk, config)),
        "gpu": Examination(machine.gpu, needed=False, seconds=machine.GPU_SECONDS),
        "precision": Examination(_precision, seconds=IMPORT_SECONDS),
        "storage": Examination(partial(stores.storage, config.storage)),
        "tracking": Examination(partial(stores.tracking, config.tracking)),
        "hub": Examination(services.hub, needed=False),
        "ray": Examination(partial(services.ray, launcher), needed=services.uses_ray(launcher)),
        "slurm": Examination(
            partial(services.slurm, launcher), needed=services.uses_slurm(launcher)
        ),
        "browser": Examination(services.browser, needed=False),
    }


def _precision() -> Finding:
    from finesweep.setup.doctor.precision import precision

    return precision()
