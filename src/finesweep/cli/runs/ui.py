"""`finesweep ui [SWEEP]`: MLflow's own UI, and the link to a leaderboard in it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from finesweep.addresses import host_and_port, listen
from finesweep.cli import check_port, parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import TrackingConfig, compose
from finesweep.databases import sqlite_file
from finesweep.errors import ConfigError, FinesweepError, Problem

POLL_SECONDS = 0.1
SHUTDOWN_SECONDS = 5.0
ENVIRONMENT = {
    # The job workers take 0.24 GB each, and nothing here submits jobs.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def run(arguments: Sequence[str]) -> int:
    cli = parser("ui", "[SWEEP] [OVERRIDE…] [--open] [--host HOST] [--port PORT]")
    cli.add_argument(
        "words",
        nargs="*",
        metavar="SWEEP | OVERRIDE",
        help="the sweep whose leaderboard to show (default: all runs); tracking.uri=… and others",
    )
    cli.add_argument("--open", action="store_true", help="open the link in a browser")
    cli.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1, this machine only)",
    )
    cli.add_argument("--port", type=int, default=5000, help="default: 5000")
    args = cli.parse_intermixed_args(list(arguments))
    check_port(args.port, lowest=1)
    sweeps, overrides = _split(args.words)
    tracking = compose(overrides).config.tracking
    is_server = tracking.uri.startswith(("http://", "https://"))
    if not is_server:
        _require_free(args.host, args.port)
    if sweeps:
        _require_store(tracking, sweeps[0])
    silence_libraries()
    server = tracking.uri if is_server else f"http://{host_and_port(args.host, args.port)}"
    link = _link(tracking, sweeps[0] if sweeps else None, server)
    if is_server:
        _show(link, is_opened=args.open)
        return 0
    collector.resume()
    _serve(tracking, args.host, args.port, lambda: _show(link, is_opened=args.open))
    return 0


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The sweep's name, if one is given, and the overrides."""
    sweeps = [word for word in words if "=" not in word]
    if len(sweeps) > 1:
        raise ConfigError(Problem("SWEEP", f"{len(sweeps)} given: {', '.join(sweeps)}; give one"))
    return sweeps, [word for word in words if "=" in word]


def _require_store(tracking: TrackingConfig, sweep: str) -> None:
    """ConfigError if there is no store to find the sweep in: looking must not create one."""
    database = sqlite_file(tracking.uri)
    if database is not None and not database.exists():
        message = f"no sweep {sweep!r} in {tracking.uri}; none has been run here yet"
        raise ConfigError(Problem("SWEEP", message))


def _link(tracking: TrackingConfig, sweep: str | None, server: str) -> str:
    """The link to the sweep's leaderboard, or to all runs; its view is saved in the store."""
    from finesweep.tracking import open_store
    from finesweep.tracking.pages.views import ALL_RUNS, ALL_SWEEPS, link, save_view, sweep_view

    # MLflow would create the database itself, but that races with a sweep that is starting.
    store = open_store(tracking)
    view = ALL_RUNS if sweep is None else sweep_view(store, sweep)
    save_view(store, ALL_SWEEPS)
    return link(store, view, server=server, saved=save_view(store, view))


def _show(link: str, *, is_opened: bool) -> None:
    """Prints the link; opens it in a browser, where there is one."""
    print(f"MLflow UI at {link}", flush=True)
    if is_opened:
        import webbrowser

        if not webbrowser.open(link):
            print("no browser was found here; open the link by hand", flush=True)


def _serve(tracking: TrackingConfig, host: str, port: int, show: Callable[[], None]) -> None:
    """Calls show once the server responds; returns on Ctrl-C; FinesweepError if the server exits by
    itself."""
    with tempfile.TemporaryFile() as log, _server(tracking, host, port, log) as server:
        while server.poll() is None and not _is_listening(host, port):
            time.sleep(POLL_SECONDS)
        if server.poll() is None:
            show()
            print("Ctrl-C stops it", flush=True)
        server.wait()
        raise FinesweepError(f"the MLflow server exited: {_last_line(log)}")


@contextmanager
def _server(
    tracking: TrackingConfig, host: str, port: int, log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """A running MLflow server that writes its output to log; Ctrl-C ends the context normally."""
    # Closing the terminal shuts down as Ctrl-C does.
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", tracking.uri]
    artifacts = ["--default-artifact-root", tracking.artifacts]
    # One worker is enough for one user; each imports MLflow again.
    address = ["--host", host, "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(
        [*command, *artifacts, *address],
        env=os.environ | ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        with suppress(KeyboardInterrupt):
            yield server
    finally:
        _terminate(server)


def _terminate(server: subprocess.Popen[bytes]) -> None:
    """Ends the server and all its child processes."""
    import psutil

    try:
        mlflow = psutil.Process(server.pid)
        processes = [*mlflow.children(recursive=True), mlflow]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=SHUTDOWN_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    server.wait()


def _require_free(host: str, port: int) -> None:
    """ConfigError if the address cannot be bound; MLflow would print a page of traceback."""
    try:
        listen(host, port).close()
    except OSError as error:
        # Python appends the address to the reason. The errno of a failed name lookup is negative.
        reason = str(error.strerror).partition(" (while")[0]
        hint = "see --host" if (error.errno or 0) < 0 else "choose another"
        message = f"{host_and_port(host, port)}: {reason}; {hint}"
        raise ConfigError(Problem("--port", message)) from error


def _is_listening(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it printed nothing"
