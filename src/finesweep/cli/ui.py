"""`finesweep ui`: MLflow's own UI on this project's store."""

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
ENDING_SECONDS = 5.0
ENVIRONMENT = {
    # The job workers take 0.24 GB each, and nothing here sends them jobs.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def run(arguments: Sequence[str]) -> int:
    cli = parser("ui", "[OVERRIDE…] [--host HOST] [--port PORT]")
    cli.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="such as tracking.uri=…")
    cli.add_argument("--host", default="127.0.0.1", help="this machine alone unless given")
    cli.add_argument("--port", type=int, default=5000, help="5000 unless given")
    given = cli.parse_intermixed_args(list(arguments))
    if not 1 <= given.port <= LAST_PORT:
        raise ConfigError(Problem("--port", f"{given.port} given; must be 1 to {LAST_PORT}"))
    tracking = compose(given.overrides).config.tracking
    if tracking.uri.startswith(("http://", "https://")):
        message = f"{tracking.uri} is a server already: open it in a browser"
        raise ConfigError(Problem("tracking.uri", message))
    _require_free(given.host, given.port)
    silence_libraries()

    from finesweep.tracking import open_store

    # MLflow would create a fresh database too, but not safely beside a starting sweep.
    open_store(tracking)
    collector.resume()
    _serve(tracking, given.host, given.port)
    return 0


def _serve(tracking: TrackingConfig, host: str, port: int) -> None:
    """Returns when it is interrupted; FinesweepError when the server ends by itself."""
    with tempfile.TemporaryFile() as log, _server(tracking, host, port, log) as server:
        while server.poll() is None and not _answers(host, port):
            time.sleep(POLL_SECONDS)
        if server.poll() is None:
            print(f"MLflow on http://{host}:{port}, Ctrl-C ends it", flush=True)
        server.wait()
        raise FinesweepError(f"MLflow's server has ended: {_last_line(log)}")


@contextmanager
def _server(
    tracking: TrackingConfig, host: str, port: int, log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """MLflow's server while it is used, its chatter in log; an interruption is its usual end."""
    # A terminal that is closed asks for the same orderly end as Ctrl-C.
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", tracking.uri]
    artifacts = ["--default-artifact-root", tracking.artifacts]
    # One worker is enough for one person; each loads MLflow anew.
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
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    """The server and all that it started are gone."""
    import psutil

    try:
        mlflow = psutil.Process(server.pid)
        family = [*mlflow.children(recursive=True), mlflow]
    except psutil.NoSuchProcess:
        return
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(family, timeout=ENDING_SECONDS)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    server.wait()


def _require_free(host: str, port: int) -> None:
    """ConfigError when nobody can listen there; the server would say so in a page of traceback."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        # Python adds the address to what went wrong. Of names that no one knows errors are below 0.
        why = str(error.strerror).partition(" (while")[0]
        hint = "see --host" if (error.errno or 0) < 0 else "give another"
        raise ConfigError(Problem("--port", f"{host}:{port}: {why}; {hint}")) from error


def _answers(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"
