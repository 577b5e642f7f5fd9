"""A sweep's report as a page on loopback, which is loaded again when the sweep has gone on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from optuna import Study

from finesweep.errors import ConfigError, Problem
from finesweep.figures.page import render_page
from finesweep.report.making import report_of
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.study.workers import live_workers

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
"""Host names that are answered: a page of another site must not read this one by a name of its
own."""
POLL_SECONDS = 2


class LiveReport:
    """A study's report, made anew only when the study has changed; usable from several threads."""

    def __init__(self, study: Study, overrides: Sequence[str]) -> None:
        self.study, self.overrides, self.lock = study, overrides, Lock()
        self._made: tuple[str, str] | None = None

    def version(self) -> str:
        """A digest that changes with each trial, evaluation, worker and result."""
        with self.lock:
            return self._version()

    def page(self) -> str:
        """The report as HTML."""
        with self.lock:
            version = self._version()
            if self._made is None or self._made[0] != version:
                self._made = version, report_of(self.study, self.overrides)
            return self._made[1]

    def _version(self) -> str:
        state = read_state(self.study)
        confirming = state.confirmation.trials if state.confirmation else []
        trials = [
            (trial.number, trial.state.name, len(trial.intermediate_values))
            for trial in (*state.trials, *confirming)
        ]
        workers = sorted(worker.id for worker in live_workers(self.study))
        seen = repr((trials, workers, sorted(state.attributes.items())))
        return hashlib.sha256(seen.encode()).hexdigest()


def serve(live: LiveReport, port: int, *, on_ready: Callable[[str], None]) -> None:
    """Serves the report on loopback until Ctrl-C; on_ready gets its address.

    port 0 is any free one. ConfigError if the port cannot be used.
    """
    try:
        server = ThreadingHTTPServer((HOST, port), _handler(live))
    except OSError as error:
        message = f"{HOST}:{port}: {error.strerror}; choose another"
        raise ConfigError(Problem("--port", message)) from error
    with server:
        on_ready(f"http://{HOST}:{server.server_port}")
        server.serve_forever()


def _handler(live: LiveReport) -> type[BaseHTTPRequestHandler]:
    frame = render_page("live.html.j2", name=live.study.study_name, poll_seconds=POLL_SECONDS)
    answers: dict[str, Callable[[], str]] = {
        "/": lambda: frame,
        "/report": live.page,
        "/version": live.version,
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
            answer = answers.get(self.path)
            if host not in NAMES or answer is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            content = answer().encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            try:
                self.wfile.write(content)
            except (TimeoutError, BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the reader has left

        def log_message(self, *_: object) -> None:
            """Nothing: the terminal shows the address only."""

    return Handler
