"""The other ranks of a worker's trials: its child processes, forked from its own template if it was
forked itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from finesweep.config import LauncherConfig
from finesweep.runs.ranks import Followers
from finesweep.sweep.launchers import fork_server
from finesweep.sweep.launchers.forked import Fork, Template
from finesweep.training.ranks import check_devices

STDOUT, STDERR = 1, 2
COMMAND = (sys.executable, "-m", "finesweep.cli.startup.rank")


@contextmanager
def followers_of(config: LauncherConfig) -> Iterator[Followers | None]:
    """The other ranks of this process's runs, which end with the context; None if each run trains
    on one device. ConfigError when this process sees GPUs, but too few."""
    if config.devices_per_trial == 1:
        yield None
        return
    check_devices(config.devices_per_trial)
    followers = Followers(config.devices_per_trial, start_rank)
    try:
        yield followers
    except BaseException:
        followers.kill()
        raise
    followers.close()


def start_rank(end: socket.socket, command: Sequence[str] = COMMAND) -> RankProcess:
    """A process whose stdin is this end of its connection, and whose output goes where this
    one's does."""
    fork = None
    if (template := _own_template()) is not None:
        streams, folder = (end.fileno(), STDOUT, STDERR), str(Path.cwd())
        fork = template.fork(command, environment=os.environ, folder=folder, streams=streams)
    return RankProcess(fork or subprocess.Popen(command, stdin=end.fileno()))


@cache
def _own_template() -> Template | None:
    """The template that this process was forked from, if any; one for all ranks that it starts."""
    return None if fork_server.origin is None else Template(())


class RankProcess:
    """A started rank. It ends by itself when its connection closes."""

    def __init__(self, process: Fork | subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int | None:
        """Its process id; None until the template has forked it."""
        return self._process.pid

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
