"""`sweep.on_end`: commands and web addresses that are told how a sweep ended."""

from __future__ import annotations

import base64
import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import Request

from finesweep.addresses import is_web_address, public_address
from finesweep.config import SweepPlan
from finesweep.databases import STORAGE_URL, hidden_password
from finesweep.errors import first_line, reason
from finesweep.sweep.selection.claims import is_finished
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.status import status_in
from finesweep.sweep.stop_and_delete import STOPPED
from finesweep.sweep.study.study import Study
from finesweep.sweep.study.workers import live_workers
from finesweep.web import REDIRECTS, answer_to

Say = Callable[[str], object]
N_TRIES = 3
PAUSE_SECONDS = 1.0
"""Before the second try, and twice as long before the third."""
ANSWER_SECONDS = 10.0
"""Time in which an address must answer."""
CLIENT_ERRORS = range(400, 500)
"""HTTP answers after which another try would get the same, as after REDIRECTS; except TOO_MANY."""
TOO_MANY = 429


@contextmanager
def told_at_the_end(plan: SweepPlan, study: Study, say: Say) -> Iterator[None]:
    """Tells everyone in `sweep.on_end` how the context ended, once.

    What fails on the way is only said.
    """
    try:
        yield
    except BaseException as error:
        _tell_all(plan, study, error, say)
        raise
    _tell_all(plan, study, None, say)


def _tell_all(plan: SweepPlan, study: Study, error: BaseException | None, say: Say) -> None:
    settings = plan.settings
    if not (targets := [each for each in settings.on_end if each.strip()]):
        return
    text = json.dumps(message_of(plan, study, error))
    for target in targets:
        is_address = is_web_address(target)
        name = public_address(target) if is_address else program_of(target)
        try:
            if is_address:
                post(target, text)
            else:
                stores = {STORAGE_URL: plan.base.config.storage.url}
                run(target, text, stores, seconds=settings.on_end_seconds)
        except Exception as failure:
            say(f"sweep.on_end: {name} failed: {_why(failure)}")
        else:
            say(f"sweep.on_end: {name} was told")


def message_of(plan: SweepPlan, study: Study, error: BaseException | None) -> dict[str, Any]:
    """text, state and reason, and the fields of `status --json`, which are missing when the study
    cannot be read.

    state is finished, stopped, failed, interrupted, or out of time, with trials left.
    """
    try:
        state = read_state(study)
        status = asdict(status_in(state, live_workers(study)))
        is_over = is_finished(plan, state)
    except Exception as failure:
        error = error or failure
        status, is_over = {"sweep": plan.name, "study": plan.study_name}, False
    how, why = _ending(status, error, is_finished=is_over)
    parts = [f"sweep {plan.study_name}: {how}", why, _winner(status) if is_over else ""]
    text = ", ".join(part for part in parts if part)
    return {"text": text, "state": how, "reason": why or None, **status}


def _winner(status: Mapping[str, Any]) -> str:
    if (winner := status["winner"]) is None:
        return ""
    accuracy = winner["test_metrics"].get("test/accuracy")
    tested = "" if accuracy is None else f", test accuracy {accuracy:.4f}"
    return f"trial {winner['trial']} won{tested}"


def _ending(
    status: dict[str, Any], error: BaseException | None, *, is_finished: bool
) -> tuple[str, str]:
    """How the sweep ended, and why."""
    stopped = status.get("stopped") or ""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", ""
    if stopped.startswith(STOPPED):
        return "stopped", stopped
    if error is not None:
        return "failed", hidden_password(reason(error))
    if not is_finished:
        return "out of time", ""
    if status["best"] is None:
        return "failed", "no trial completed"
    return "finished", ""


def run(command: str, text: str, variables: Mapping[str, str], *, seconds: float) -> None:
    """Runs a command of the shell with text on its standard input, and variables besides this
    process's environment.

    RuntimeError when it ends with another code than 0, or not within seconds: then its processes
    are killed.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(text.encode())
        given.seek(0)
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=given,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **variables},
        )
        try:
            code = process.wait(seconds)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                message = f"it did not end within {seconds:g} s (sweep.on_end_seconds)"
                raise RuntimeError(message) from error
            raise
        if code:
            printed.seek(0)
            lines = printed.read().decode("utf-8", "replace").strip().splitlines()
            last = f": {hidden_password(lines[-1])}" if lines else ""
            raise RuntimeError(f"exit code {code}{last}")


def post(url: str, text: str, *, pause_seconds: float = PAUSE_SECONDS) -> None:
    """Posts text as JSON, in at most N_TRIES tries; OSError or HTTPException of the last one.

    A user and password in url are sent as basic authentication.
    """
    for n_failed in range(1, N_TRIES + 1):
        try:
            _post(url, text)
            return
        except (OSError, HTTPException) as error:
            code = getattr(error, "code", None)
            is_final = code in (*REDIRECTS, *CLIENT_ERRORS) and code != TOO_MANY
            if is_final or n_failed == N_TRIES:
                raise
        time.sleep(n_failed * pause_seconds)


def _post(url: str, text: str) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "finesweep"}
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    if login:
        headers["Authorization"] = f"Basic {base64.b64encode(unquote(login).encode()).decode()}"
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    request = Request(bare, text.encode(), headers, method="POST")
    with answer_to(request, timeout_seconds=ANSWER_SECONDS):
        pass


def program_of(command: str) -> str:
    """The program that a command starts, without arguments and variables, which may be secrets."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return next((word for word in words if "=" not in word), "a command")


def _why(failure: Exception) -> str:
    """The reason without the address, which may hold secrets."""
    if isinstance(failure, urllib.error.HTTPError):
        answer = f"it answers {failure.code} {failure.reason}"
        if failure.code in REDIRECTS:
            return f"{answer}; redirects are not followed, so give the new address"
        return answer
    return hidden_password(first_line(getattr(failure, "reason", None) or failure))
