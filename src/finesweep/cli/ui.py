"""`finesweep ui`: MLflow's own UI on this project's store."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from finesweep.cli import parser
from finesweep.config import compose
from finesweep.errors import ConfigError, Problem


def run(arguments: Sequence[str]) -> int:
    cli = parser("ui", "[OVERRIDE…] [--host HOST] [--port PORT]")
    cli.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="such as tracking.uri=…")
    cli.add_argument("--host", default="127.0.0.1")
    cli.add_argument("--port", type=int, default=5000)
    given = cli.parse_intermixed_args(list(arguments))
    tracking = compose(given.overrides).config.tracking
    if tracking.uri.startswith(("http://", "https://")):
        message = f"{tracking.uri} is a server already: open it in a browser"
        raise ConfigError(Problem("tracking.uri", message))

    from finesweep.tracking import open_store

    # MLflow would create a fresh database too, but not safely beside a starting sweep.
    open_store(tracking)
    print(f"MLflow on http://{given.host}:{given.port}, Ctrl-C ends it", flush=True)
    # The job workers take 0.24 GB each, and nothing here sends them jobs.
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", tracking.uri]
    artifacts = ["--default-artifact-root", tracking.artifacts]
    address = ["--host", given.host, "--port", str(given.port)]
    os.execv(sys.executable, [*command, *artifacts, *address])
