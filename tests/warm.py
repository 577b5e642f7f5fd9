"""Processes of a test session, forked from one warm template by the product's own means.

What they start themselves, a sweep's workers, comes from the same template: `tests/template.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from finesweep.sweep.launchers.forked import Fork, Template
from tests.waiting import until

TEMPLATE = Path(__file__).with_name("template.py")
COVERAGE = "COVERAGE_PROCESS_CONFIG"


class Command:
    """A started process, as far as tests use `subprocess.Popen` with text pipes."""

    def __init__(self, fork: Fork, stdout: IO[str] | None, stderr: IO[str] | None) -> None:
        self._fork, self.stdout, self.stderr = fork, stdout, stderr

    @property
    def pid(self) -> int:
        until(lambda: self._fork.pid or self._fork.is_missing)
        assert self._fork.pid is not None, "the template is gone"
        return self._fork.pid

    @property
    def returncode(self) -> int | None:
        return self._fork.code

    def poll(self) -> int | None:
        return self._fork.poll()

    def wait(self, timeout: float = float("inf")) -> int:
        """Its exit code; subprocess.TimeoutExpired when it has none after so many seconds."""
        code = self._fork.wait(timeout)
        assert not self._fork.is_missing, "the template is gone"
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def send_signal(self, number: int) -> None:
        self.pid  # noqa: B018  # a signal is for a process that is there
        self._fork.send_signal(number)

    def kill(self) -> None:
        self._fork.kill()

    def communicate(self, timeout: float = 600) -> tuple[str, str]:
        """All that it still prints until its end; killed when that does not come in time."""
        with ThreadPoolExecutor(2) as threads:
            said = [threads.submit(_rest, stream) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            out, err = (each.result(timeout) for each in said)
        return out, err


def _rest(stream: IO[str] | None) -> str:
    if stream is None or stream.closed:
        return ""
    with stream:
        return stream.read()


@cache
def template() -> Template:
    """This process's own, started when it is first asked for."""
    settings = os.environ.pop(COVERAGE, None)  # else the imports would be measured
    try:
        return Template([sys.executable, str(TEMPLATE), settings or ""])
    finally:
        if settings is not None:
            os.environ[COVERAGE] = settings


def close() -> None:
    """Ends the template with all that it has forked, if it was ever started."""
    if template.cache_info().currsize:
        for fork in template().forks:
            fork.kill()
            fork.wait()
        template().close()
        template.cache_clear()


def forked(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    given: str = "",
    log: Path | None = None,
) -> Command:
    """`PYTHON -m MODULE …` or `PYTHON -c CODE …`, started; its output goes to pipes or to a log.

    given is what stands on its standard input.
    """
    files: list[IO[str] | None] = [None, None]
    with TemporaryFile("w+", encoding="utf-8") as stdin:
        stdin.write(given)
        stdin.seek(0)
        if log is None:
            (out, stdout), (err, stderr) = os.pipe(), os.pipe()
            files = [os.fdopen(out), os.fdopen(err)]
        else:
            stdout = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            stderr = os.dup(stdout)
        fork = template().fork(
            command,
            environment=environment,
            folder=str(folder),
            streams=(stdin.fileno(), stdout, stderr),
        )
        for each in (stdout, stderr):
            os.close(each)
    assert fork is not None, "the template is gone"
    return Command(fork, *files)
