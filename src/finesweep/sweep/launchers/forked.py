"""Client of the fork server: the template process, and the processes forked from it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count

from finesweep.errors import INTERRUPTED
from finesweep.sweep.launchers import fork_server as server

CAN_FORK = hasattr(os, "pidfd_open")
RUNNABLE = ("-m", "-c")


class Template:
    """The process that forks workers: started by this one, or, in a fork, its own template.

    When it is killed it forks no more; its forks keep running.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._forks: dict[int, Fork] = {}
        self._ids = count()
        self.is_lost = False
        if server.origin is not None:
            self._connection = server.origin
            return
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Otherwise libraries would start more threads as they are loaded.
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )

    def fork(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: str,
        streams: tuple[int, int, int],
    ) -> Fork | None:
        """A process that will run command, without waiting for the fork; None when it must be
        started otherwise."""
        if self.is_lost or command[0] != sys.executable or command[1] not in RUNNABLE:
            return None
        number = next(self._ids)
        request = {"id": number, "command": list(command), "environment": dict(environment)}
        packet = json.dumps({**request, "folder": folder}).encode()
        try:
            socket.send_fds(self._connection, [packet], streams)
        except OSError:  # the template is gone, or the environment exceeds a packet
            return None
        self._forks[number] = Fork(self)
        return self._forks[number]

    @property
    def forks(self) -> list[Fork]:
        """All requested forks, including those that have ended."""
        return list(self._forks.values())

    def read(self, seconds: float = 0) -> None:
        """Processes the template's messages, waiting up to seconds for the first."""
        while not self.is_lost and select.select([self._connection], [], [], seconds)[0]:
            packet, descriptors = server.receive_packet(self._connection, 1)
            if not packet:
                self._lose()
                return
            message, seconds = json.loads(packet), 0
            fork = self._forks[message["id"]]
            if "pid" in message:
                fork.set_process(message["pid"], descriptors[0])
            else:
                fork.code = message["code"]

    def give_up(self) -> bool:
        """Kills a template that is still importing; False for one that replies at once."""
        if self._process is None or any(fork.pid for fork in self._forks.values()):
            return False
        self._process.kill()
        self._process.wait()
        return True

    def close(self) -> None:
        """Stops sending requests. A template started by this process ends when its forks have."""
        if self._process is None or self.is_lost:
            return
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self.read()
        if all(fork.code is not None for fork in self._forks.values()):
            while not self.is_lost:
                self.read(1.0)

    def _lose(self) -> None:
        self.is_lost = True
        self._connection.close()
        if self._process is not None:
            self._process.wait()


class Fork:
    """One process requested from a template."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._pidfd: int | None = None
        self._pid: int | None = None
        self.code: int | None = None
        """Exit code, negative for a signal; -SIGKILL when the template that knew it is gone."""

    def set_process(self, pid: int, pidfd: int) -> None:
        self._pid, self._pidfd = pid, pidfd

    @property
    def pid(self) -> int | None:
        """None until it has been forked."""
        self._template.read()
        return self._pid

    @property
    def is_missing(self) -> bool:
        """Whether the template died before it reported the fork."""
        return self.code is None and self._template.is_lost and self._pidfd is None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        self._template.read()
        if self.code is None and self._template.is_lost and self._has_ended():
            self.code = -signal.SIGKILL
        if self.code is not None and self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        return self.code

    def wait(self, seconds: float = float("inf")) -> int | None:
        """Its exit code; None if it still runs after seconds, or is missing."""
        deadline = time.monotonic() + seconds
        while self.poll() is None and not self.is_missing and time.monotonic() < deadline:
            if self._template.is_lost:
                select.select([] if self._pidfd is None else [self._pidfd], [], [], 1.0)
            else:
                self._template.read(min(1.0, max(0.0, deadline - time.monotonic())))
        return self.code

    def send_signal(self, number: int) -> None:
        """Sends the signal; a process that is not forked yet is cancelled, as ended by it."""
        if self._is_running(number) and self._pidfd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def kill(self) -> None:
        """Ends it and its own children at once."""
        if self._is_running(signal.SIGKILL) and self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)  # it leads its session, hence its group

    def _is_running(self, number: int) -> bool:
        """Whether there is a process to signal; if there never will be, its exit code is set as if
        signal number had ended it."""
        while self.poll() is None and self._pidfd is None:
            if self._template.is_lost or self._template.give_up():
                self.code = INTERRUPTED if number == signal.SIGTERM else -number
            else:
                self._template.read(1.0)
        return self.code is None

    def _has_ended(self) -> bool:
        return self._pidfd is not None and bool(select.select([self._pidfd], [], [], 0)[0])
