"""The process group of the ranks of one machine: gloo between CPUs, NCCL between GPUs."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from finesweep.errors import ConfigError, Problem

LOOPBACK = ("lo", "lo0")
"""Network interfaces that no other machine reaches, on Linux and macOS."""
PATIENCE = timedelta(days=30)
"""Rank 0 may wait for disk space or a database while the others wait for it. That a process has
died is noticed by other means."""


def check_devices(n_devices: int) -> None:
    """ConfigError when this process sees GPUs, but fewer; without GPUs ranks are processes."""
    if torch.cuda.is_available() and torch.cuda.device_count() < n_devices:
        n_gpus = torch.cuda.device_count()
        message = f"{n_devices} given; this process sees {n_gpus} GPU{'s'[: n_gpus > 1]}"
        raise ConfigError(Problem("launcher.devices_per_trial", message))


def join(rank: int, size: int, *, meeting: Path) -> None:
    """Makes this process one of size ranks; returns when all have joined.

    meeting is the path of a file that all of them can write, and that does not exist before.
    """
    is_gpu = torch.cuda.is_available()
    if is_gpu:
        torch.cuda.set_device(rank)
    with _gloo_on_loopback(), _own_excepthook():
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if is_gpu else "gloo",
            store=dist.FileStore(str(meeting), size),  # type: ignore[attr-defined]  # documented
            rank=rank,
            world_size=size,
            timeout=PATIENCE,
        )


def leave(*, is_broken: bool = False) -> None:
    """Ends this process's membership, if it is one.

    is_broken: another rank is gone, so what is under way on a GPU will never end.
    """
    if not dist.is_initialized():
        return
    if is_broken and dist.group.WORLD is not None:
        with suppress(RuntimeError):
            dist.group.WORLD.abort()
    dist.destroy_process_group()


@contextmanager
def _gloo_on_loopback() -> Iterator[None]:
    """The ranks are on one machine, so nothing needs to listen on its network."""
    name = "GLOO_SOCKET_IFNAME"
    loopback = [each for _, each in socket.if_nameindex() if each in LOOPBACK]
    if name in os.environ or not loopback:
        yield
        return
    os.environ[name] = loopback[0]
    try:
        yield
    finally:
        del os.environ[name]


@contextmanager
def _own_excepthook() -> Iterator[None]:
    """torch replaces the function that prints uncaught errors."""
    before = sys.excepthook
    try:
        yield
    finally:
        sys.excepthook = before
