"""Cores, threads, memory, disk and GPUs, without torch."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil

from finesweep.config import Config
from finesweep.databases import sqlite_file
from finesweep.disk import MIN_FREE_BYTES, nearest_existing
from finesweep.setup.doctor.findings import Finding, ok
from finesweep.sweep.launchers.gpus import LIST_SECONDS, visible_gpus
from finesweep.sweep.launchers.local import usable_cores
from finesweep.threads import OMP_NUM_THREADS, given_threads

MIN_MEMORY = 2 * 1024**3
"""Free memory that one worker with a small model needs, about."""
THREADS = (OMP_NUM_THREADS, "MKL_NUM_THREADS")
GIB = 1024**3
SMI_SECONDS = 10
GPU_SECONDS = LIST_SECONDS + SMI_SECONDS + 5
"""Limit for `gpu`, which waits for the driver as long as a sweep does, and then for its names."""


def cpu() -> Finding:
    """The processor, and the threads that libraries would start against its cores."""
    cores, every = usable_cores(), os.cpu_count() or 1
    of = f" of {every}" if every != cores else ""
    what = f"{_model()}, {cores}{of} cores usable"
    for name in THREADS:
        if (given := given_threads(name)) is None:
            continue
        setting = f"{name}={os.environ[name]}"
        if given > cores:
            message = f"{what}; {setting} starts more threads than cores"
            return Finding("cpu", "broken", message, f"unset {name}", needed=False)
        what += f", {setting}"
    return ok("cpu", what)


def memory() -> Finding:
    """Free memory, which a worker's model, gradients and optimizer need."""
    now = psutil.virtual_memory()
    message = f"{now.available / GIB:.1f} of {now.total / GIB:.1f} GiB free"
    if now.available >= MIN_MEMORY:
        return ok("memory", message)
    hint = f"a worker needs about {MIN_MEMORY / GIB:.0f} GiB; end other programs"
    return Finding("memory", "broken", message, hint)


def disk(config: Config) -> Finding:
    """Free space where stores, checkpoints and caches are written."""
    folders = {nearest_existing(Path(name)) for name in _folders(config)}
    for folder in sorted(folders):
        if not os.access(folder, os.W_OK):
            hint = f"chmod u+w {folder}, or set storage.… and tracking.artifacts elsewhere"
            return Finding("disk", "broken", f"{folder} cannot be written", hint)
    folder = min(folders, key=lambda each: shutil.disk_usage(each).free)
    free = shutil.disk_usage(folder).free
    message = f"{free / GIB:.1f} GiB free at {folder}"
    if free >= MIN_FREE_BYTES:
        return ok("disk", message)
    return Finding("disk", "broken", f"{message}; a sweep needs {MIN_FREE_BYTES / GIB:.1f}")


def gpu() -> Finding:
    """GPUs by the driver's own tool; whether torch can use them is another finding."""
    gpus = visible_gpus(os.environ)
    if not gpus:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES") is not None
        why = "CUDA_VISIBLE_DEVICES hides them" if hidden else "none found by nvidia-smi"
        return Finding("gpu", "missing", f"{why}; sweeps run on the CPU", needed=False)
    return ok("gpu", "; ".join(_gpu_names()) or f"{len(gpus)} by CUDA_VISIBLE_DEVICES")


def _gpu_names() -> list[str]:
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            query, capture_output=True, text=True, timeout=SMI_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _folders(config: Config) -> Iterable[str]:
    yield from (config.storage.checkpoints, config.storage.cache)
    if "://" not in config.tracking.artifacts:
        yield config.tracking.artifacts
    for url in (config.storage.url, config.tracking.uri):
        if (file := sqlite_file(url)) is not None:
            yield str(file.parent)
