"""A sweep's report as a page on loopback, which is loaded again when the sweep has gone on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from optuna import Study

from finesweep.databases import hidden_password
from finesweep.errors import ConfigError, FinesweepError, Problem, first_line
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


def serve(
    live: LiveReport,
    port: int,
    *,
    on_ready: Callable[[str], object],
    say: Callable[[str], object],
) -> None:
    """Serves the report on loopback until Ctrl-C; on_ready gets its address, and say, once, why the
    study cannot be read.

    port 0 is any free one. ConfigError if the port cannot be used.
    """
    try:
        server = _Server(live, port, say)
    except OSError as error:
        message = f"{HOST}:{port}: {error.strerror}; choose another"
        raise ConfigError(Problem("--port", message)) from error
    with server:
        on_ready(f"http://{HOST}:{server.server_port}")
        server.serve_forever()


class _Server(ThreadingHTTPServer):
    """The page that holds the report, the report itself, and its version."""

    def __init__(self, live: LiveReport, port: int, say: Callable[[str], object]) -> None:
        super().__init__((HOST, port), _Handler)
        self.study = live.study.study_name
        self.frame = render_page("live.html.j2", name=self.study, poll_seconds=POLL_SECONDS)
        self.answers = {"/report": live.page, "/version": live.version}
        self._say, self._lock = say, Lock()
        self._said: str | None = None

    def tell(self, problem: str | None) -> None:
        """Says a problem once, and again only after another one or none; from any thread."""
        with self._lock:
            if problem is not None and problem != self._said:
                self._say(problem)
            self._said = problem


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        answer = self.server.answers.get(self.path)
        if host not in NAMES or (answer is None and self.path != "/"):
            self.send_error(HTTPStatus.NOT_FOUND)
        elif answer is None:
            self._answer(self.server.frame)
        else:
            self._answer_read(answer)

    def _answer_read(self, read: Callable[[], str]) -> None:
        try:
            text = read()
        except Exception as error:  # the study was deleted, or its database is away for a while
            problem = f"study {self.server.study!r} cannot be read: {_line(error)}"
            self.server.tell(problem)
            self._answer(problem, status=HTTPStatus.SERVICE_UNAVAILABLE, kind="plain")
        else:
            self.server.tell(None)
            self._answer(text)

    def _answer(self, text: str, *, status: HTTPStatus = HTTPStatus.OK, kind: str = "html") -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"text/{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        try:
            self.wfile.write(content)
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the reader has left

    def log_message(self, *_: object) -> None:
        """Nothing: the terminal shows the address only."""


def _line(error: Exception) -> str:
    """One line about the error, or what it came from in another library."""
    is_own = isinstance(error, FinesweepError)
    return hidden_password(first_line(error if is_own else error.__cause__ or error))
