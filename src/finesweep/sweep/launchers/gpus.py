"""Which GPU each worker of this machine sees."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence

from finesweep.errors import ConfigError, Problem

# nvidia-smi numbers GPUs by their slot, CUDA by their speed: only the UUID means one to both.
LISTED = re.compile(r"^([ \t]*)(?:GPU|MIG).*\(UUID: ((?:GPU|MIG)-[^)]+)\)", re.MULTILINE)


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """The devices of CUDA_VISIBLE_DEVICES where it is set, else all that nvidia-smi lists."""
    given = environment.get("CUDA_VISIBLE_DEVICES")
    return list_gpus() if given is None else parse_visible(given)


def parse_visible(given: str) -> list[str]:
    """Its devices as CUDA reads it: those before the first that is empty or -1."""
    devices = [device.strip() for device in given.split(",")]
    ends = [index for index, device in enumerate(devices) if device in ("", "-1")]
    return devices[: ends[0]] if ends else devices


def list_gpus() -> list[str]:
    """The UUIDs of this machine's GPUs; none without a driver."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse_listing(done.stdout) if done.returncode == 0 else []


def parse_listing(listing: str) -> list[str]:
    """UUIDs in nvidia-smi's order; a GPU that is divided is there by its MIG devices."""
    uuids: list[str] = []
    for indent, uuid in LISTED.findall(listing):
        if indent and uuids and uuids[-1].startswith("GPU-"):
            uuids.pop()
        uuids.append(uuid)
    return uuids


def assign_gpus(workers: int, gpus: Sequence[str], *, workers_per_gpu: int) -> list[str | None]:
    """Each worker's device, in turn over all of them; None for each where there are none.

    In turn, so that fewer workers than places share as few GPUs as possible. ConfigError when
    there are fewer places than workers.
    """
    if not gpus:
        return [None] * workers
    places = len(gpus) * workers_per_gpu
    if workers > places:
        given = f"{len(gpus)} visible GPUs with launcher.workers_per_gpu={workers_per_gpu}"
        raise ConfigError(Problem("workers", f"{workers} given; {given} hold {places} at most"))
    return [gpus[index % len(gpus)] for index in range(workers)]
