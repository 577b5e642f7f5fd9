"""A warm process that becomes workers by forking: everything imported once, nothing started.

A coordinator starts it with one end of a socket as its standard input, and asks by one JSON object
per packet:

    → {"id", "command", "environment", "folder"} with the fork's stdin, stdout and stderr
    ← {"id", "pid"} with a pidfd, once it has forked
    ← {"id", "code"}, when the fork has ended

What must not have happened before a fork: a thread, a torch operation (its pool of threads would be
missing), a connection to a database, CUDA. Linux alone has pidfds, so elsewhere nobody forks.
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

PACKET_BYTES = 1 << 20
STREAMS = (0, 1, 2)
COMM = Path("/proc/self/comm")
COMM_LENGTH = 15

origin: socket.socket | None = None
"""In a fork: a connection to the template that it comes from, which forks for it too."""


@dataclass(frozen=True)
class Child:
    """A fork that has not ended, and who asked for it."""

    pid: int
    id: int
    asker: socket.socket


def become() -> None:
    """Serves on standard input; each fork runs its command from here and leaves as it would."""
    asker = socket.socket(fileno=os.dup(0))
    asker.set_inheritable(False)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    gc.freeze()  # else the collector of each fork would write to, and so copy, every page
    command = Server(asker).serve()
    if command is not None:
        leave(ended(command))


class Server:
    """The template's work: to fork when asked, and to say how forks have ended."""

    def __init__(self, asker: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(asker, selectors.EVENT_READ)

    def serve(self) -> list[str] | None:
        """In a fork its command; in the template None, when nobody is left to ask or to end."""
        while self._selector.get_map():
            for key, _ in self._selector.select():
                if isinstance(key.data, Child):
                    self._report(key.data, key.fd)
                elif isinstance(key.fileobj, socket.socket):
                    command = self._answer(key.fileobj)
                    if command is not None:
                        return command
        return None

    def _answer(self, asker: socket.socket) -> list[str] | None:
        packet, streams = received(asker, len(STREAMS))
        if not packet:
            self._selector.unregister(asker)
            return None
        request = json.loads(packet)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            self._let_go()
            ours.close()
            _enter(request, streams, theirs)
            return list(request["command"])
        theirs.close()
        for stream in streams:
            os.close(stream)
        pidfd = os.pidfd_open(pid)
        self._selector.register(ours, selectors.EVENT_READ)
        self._selector.register(pidfd, selectors.EVENT_READ, Child(pid, request["id"], asker))
        tell(asker, {"id": request["id"], "pid": pid}, [pidfd])
        return None

    def _report(self, child: Child, pidfd: int) -> None:
        self._selector.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(child.pid, 0)
        tell(child.asker, {"id": child.id, "code": os.waitstatus_to_exitcode(status)})

    def _let_go(self) -> None:
        """Closes in a fork what belongs to the template."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, Child):
                key.data.asker.close()
                os.close(key.fd)
            elif isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()


def received(connection: socket.socket, n_descriptors: int) -> tuple[bytes, list[int]]:
    """The next packet with its descriptors; an empty one when the other end has gone."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(
            connection, PACKET_BYTES, n_descriptors, socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionResetError:
        return b"", []
    return packet, descriptors


def tell(connection: socket.socket, message: Mapping[str, Any], descriptors: Any = ()) -> None:
    """Sends it; nothing happens when the other end has gone."""
    with suppress(BrokenPipeError, ConnectionResetError):
        socket.send_fds(connection, [json.dumps(message).encode()], descriptors)


def _enter(request: Mapping[str, Any], streams: list[int], theirs: socket.socket) -> None:
    """Makes a fork what a new process with this request would be."""
    global origin
    origin = theirs
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
        COMM.write_text(" ".join(words)[:COMM_LENGTH].rstrip())  # what `ps` and `top` call it
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if threads := os.environ.get("OMP_NUM_THREADS"):
        set_threads(int(threads))


def _reopen() -> None:
    """Python's own streams anew: the template's still know what they wrote to, a file or a pipe."""
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
    """What OMP_NUM_THREADS=n would do, which libraries read when they are loaded."""
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


def ended(command: list[str]) -> int:
    """The exit code that a process of its own would end with; what it would say is said."""
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

    What ends with the process anyway is not torn down: that would copy the template's pages first,
    a third of a second.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
