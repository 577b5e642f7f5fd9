"""A template process that forks workers: everything is imported once, nothing is started.

A coordinator starts it with one end of a socket as standard input, and sends one JSON object per
packet:

    → {"id", "command", "environment", "folder"} with the fork's stdin, stdout and stderr
    ← {"id", "pid"} with a pidfd, once it has forked
    ← {"id", "code"} once the fork has ended

Before a fork there must be no thread, no torch operation (the fork would lack its thread pool), no
database connection and no CUDA. Only Linux has pidfds, so only Linux forks.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import selectors
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from finesweep.threads import given_threads

PACKET_BYTES = 1 << 20
STREAMS = (0, 1, 2)
COMM = Path("/proc/self/comm")
COMM_LENGTH = 15

origin: socket.socket | None = None
"""In a fork: its connection to the template, which forks for it too."""


@dataclass(frozen=True)
class Child:
    """A running fork, and the client that requested it."""

    pid: int
    id: int
    client: socket.socket


def become() -> None:
    """Serves requests from standard input; each fork runs its command and exits like a process."""
    client = socket.socket(fileno=os.dup(0))
    client.set_inheritable(False)
    with Path(os.devnull).open("rb") as devnull:
        os.dup2(devnull.fileno(), 0)
    gc.freeze()  # otherwise the collector of each fork would write to, and so copy, every page
    command = Server(client).serve()
    if command is not None:
        leave(exit_code(command))


class Server:
    """The template's server: forks on request and reports exit codes."""

    def __init__(self, client: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(client, selectors.EVENT_READ)

    def serve(self) -> list[str] | None:
        """In a fork its command; in the template None, once all clients and forks are gone."""
        while self._selector.get_map():
            for key, _ in self._selector.select():
                if isinstance(key.data, Child):
                    self._report(key.data, key.fd)
                elif isinstance(key.fileobj, socket.socket):
                    command = self._fork(key.fileobj)
                    if command is not None:
                        return command
        return None

    def _fork(self, client: socket.socket) -> list[str] | None:
        packet, streams = receive_packet(client, len(STREAMS))
        if not packet:
            self._selector.unregister(client)
            return None
        request = json.loads(packet)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            self._close_inherited()
            ours.close()
            _set_up_fork(request, streams, theirs)
            return list(request["command"])
        theirs.close()
        for stream in streams:
            os.close(stream)
        pidfd = os.pidfd_open(pid)
        self._selector.register(ours, selectors.EVENT_READ)
        self._selector.register(pidfd, selectors.EVENT_READ, Child(pid, request["id"], client))
        send_packet(client, {"id": request["id"], "pid": pid}, [pidfd])
        return None

    def _report(self, child: Child, pidfd: int) -> None:
        self._selector.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(child.pid, 0)
        send_packet(child.client, {"id": child.id, "code": os.waitstatus_to_exitcode(status)})

    def _close_inherited(self) -> None:
        """Closes the template's descriptors in a fork."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, Child):
                key.data.client.close()
                os.close(key.fd)
            elif isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()


def receive_packet(connection: socket.socket, n_descriptors: int) -> tuple[bytes, list[int]]:
    """The next packet with its descriptors; an empty one when the other end is closed."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(
            connection, PACKET_BYTES, n_descriptors, socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionResetError:
        return b"", []
    return packet, descriptors


def send_packet(
    connection: socket.socket, message: Mapping[str, Any], descriptors: Any = ()
) -> None:
    """Sends the message; does nothing when the other end is closed."""
    with suppress(BrokenPipeError, ConnectionResetError):
        socket.send_fds(connection, [json.dumps(message).encode()], descriptors)


def _set_up_fork(request: Mapping[str, Any], streams: list[int], template: socket.socket) -> None:
    """Sets up a fork as a new process with this request: streams, folder, environment, threads."""
    global origin
    origin = template
    os.setsid()
    for stream, descriptor in zip(STREAMS, streams, strict=True):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    _reopen()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    _, _, *words = request["command"]
    with suppress(OSError):
        COMM.write_text(" ".join(words)[:COMM_LENGTH].rstrip())  # its name in `ps` and `top`
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if threads := given_threads():
        set_threads(threads)


def _reopen() -> None:
    """Reopens Python's standard streams: the template's are configured for its own files."""
    for stream, name in zip(STREAMS, ("stdin", "stdout", "stderr"), strict=True):
        old = getattr(sys, name)
        new = open(  # noqa: SIM115 — it stays open as long as the process
            stream,
            "r" if stream == 0 else "w",
            encoding=old.encoding,
            errors=old.errors,
            buffering=1 if stream == 2 or os.isatty(stream) else -1,
            closefd=False,
        )
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def set_threads(n: int) -> None:
    """Sets the effect of OMP_NUM_THREADS=n, which the loaded libraries have already read."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(n)
    if n > 1 and "sklearn" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(n)


def run(command: list[str]) -> None:
    """Runs `PYTHON -m MODULE …` or `PYTHON -c CODE …` in this process, as its main module."""
    _, kind, what, *arguments = command
    sys.argv = [kind, *arguments]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), main.__dict__)


def exit_code(command: list[str]) -> int:
    """Runs the command; its exit code as a separate process, with errors printed to stderr."""
    try:
        run(command)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def leave(code: int) -> None:
    """Ends a fork as `multiprocessing` does: exit functions run and streams are flushed.

    The interpreter is not torn down: that would first copy the template's pages, which takes a
    third of a second.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # waits for non-daemon threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
