"""`finesweep ui`: MLflow's own UI on this project's tracking store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from finesweep.cli import parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import TrackingConfig, compose
from finesweep.errors import ConfigError, FinesweepError, Problem

LAST_PORT = 65_535
POLL_SECONDS = 0.1
SHUTDOWN_SECONDS = 5.0
ENVIRONMENT = {
    # The job workers take 0.24 GB each, and nothing here submits jobs.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def run(arguments: Sequence[str]) -> int:
    cli = parser("ui", "[OVERRIDE…] [--host HOST] [--port PORT]")
    cli.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="for example tracking.uri=…")
    cli.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1, this machine only)",
    )
    cli.add_argument("--port", type=int, default=5000, help="default: 5000")
    args = cli.parse_intermixed_args(list(arguments))
    if not 1 <= args.port <= LAST_PORT:
        raise ConfigError(Problem("--port", f"{args.port} given; must be 1 to {LAST_PORT}"))
    tracking = compose(args.overrides).config.tracking
    if tracking.uri.startswith(("http://", "https://")):
        message = f"{tracking.uri} is already a server; open it in a browser"
        raise ConfigError(Problem("tracking.uri", message))
    _require_free(args.host, args.port)
    silence_libraries()

    from finesweep.tracking import open_store

    # MLflow would create the database itself, but that races with a sweep that is starting.
    open_store(tracking)
    collector.resume()
    _serve(tracking, args.host, args.port)
    return 0


def _serve(tracking: TrackingConfig, host: str, port: int) -> None:
    """Returns on Ctrl-C; FinesweepError if the server exits by itself."""
    with tempfile.TemporaryFile() as log, _server(tracking, host, port, log) as server:
        while server.poll() is None and not _is_listening(host, port):
            time.sleep(POLL_SECONDS)
        if server.poll() is None:
            print(f"MLflow UI at http://{host}:{port}; Ctrl-C stops it", flush=True)
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
        socket.create_server((host, port)).close()
    except OSError as error:
        # Python appends the address to the reason. The errno of a failed name lookup is negative.
        reason = str(error.strerror).partition(" (while")[0]
        hint = "see --host" if (error.errno or 0) < 0 else "choose another"
        raise ConfigError(Problem("--port", f"{host}:{port}: {reason}; {hint}")) from error


def _is_listening(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it printed nothing"
