"""Assignment of this machine's GPUs to its workers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence

from finesweep.errors import ConfigError, Problem
from finesweep.wording import counted

# nvidia-smi numbers GPUs by slot, CUDA by speed: only UUIDs mean the same to both.
LISTED = re.compile(r"^([ \t]*)(?:GPU|MIG).*\(UUID: ((?:GPU|MIG)-[^)]+)\)", re.MULTILINE)
LIST_SECONDS = 30


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """The devices of CUDA_VISIBLE_DEVICES if it is set, otherwise all that nvidia-smi lists."""
    variable = environment.get("CUDA_VISIBLE_DEVICES")
    return list_gpus() if variable is None else parse_visible(variable)


def parse_visible(variable: str) -> list[str]:
    """The devices of CUDA_VISIBLE_DEVICES as CUDA reads it: those before the first empty one or
    -1."""
    devices = [device.strip() for device in variable.split(",")]
    ends = [index for index, device in enumerate(devices) if device in ("", "-1")]
    return devices[: ends[0]] if ends else devices


def list_gpus() -> list[str]:
    """The UUIDs of this machine's GPUs; empty without a driver."""
    try:
        result = subprocess.run(
            ["nvidia-smi", "--list-gpus"],
            capture_output=True,
            text=True,
            timeout=LIST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse_listing(result.stdout) if result.returncode == 0 else []


def parse_listing(listing: str) -> list[str]:
    """UUIDs in nvidia-smi's order; a partitioned GPU is listed by its MIG devices."""
    uuids: list[str] = []
    for indent, uuid in LISTED.findall(listing):
        if indent and uuids and uuids[-1].startswith("GPU-"):
            uuids.pop()
        uuids.append(uuid)
    return uuids


def assign_gpus(
    workers: int, gpus: Sequence[str], *, workers_per_gpu: int, devices_per_trial: int = 1
) -> list[str | None]:
    """Each worker's CUDA_VISIBLE_DEVICES, round-robin, so that as few as possible share a GPU; None
    for each worker without GPUs. With devices_per_trial each has as many that follow each other.

    ConfigError when there are more workers, or devices of one, than the GPUs can hold.
    """
    if not gpus:
        return [None] * workers
    n_groups = len(gpus) // devices_per_trial
    if n_groups == 0:
        message = f"{devices_per_trial} given; {counted(len(gpus), 'GPU')} visible here"
        raise ConfigError(Problem("launcher.devices_per_trial", message))
    capacity = n_groups * workers_per_gpu
    if workers > capacity:
        hardware = f"{len(gpus)} visible GPUs with launcher.workers_per_gpu={workers_per_gpu}"
        if devices_per_trial > 1:
            hardware += f" and launcher.devices_per_trial={devices_per_trial}"
        message = f"{workers} given; {hardware} hold {capacity} at most"
        raise ConfigError(Problem("workers", message))
    starts = [devices_per_trial * (index % n_groups) for index in range(workers)]
    return [",".join(gpus[start : start + devices_per_trial]) for start in starts]
