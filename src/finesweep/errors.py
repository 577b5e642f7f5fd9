"""Errors that a user can cause, each with the exit code that the command line answers with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

INTERRUPTED = 130
"""Exit code of a command or a worker that Ctrl-C or SIGTERM ended, as shells have it."""
ABSENT = "nothing"
"""Stands for the value of a path that a definition does not have."""


class FinesweepError(Exception):
    """Something failed that is not a bug; the message is meant for the user. Exit code 1."""

    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what the user gave: where (dotted path, file or argument), and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ConfigError(FinesweepError):
    """Bad usage or configuration: every problem found, listed together. Exit code 2."""

    exit_code = 2

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        if len(problems) == 1:
            message = str(problems[0])
        else:
            lines = "\n".join(f"  {problem}" for problem in problems)
            message = f"{len(problems)} problems:\n{lines}"
        super().__init__(message)


class NonFiniteError(FinesweepError):
    """A loss or a logit became NaN or infinite; the run is worthless from there on."""


def differences(kept: Mapping[str, Any], wanted: Mapping[str, Any], *, when: str) -> list[Problem]:
    """A problem for each dotted path of which two definitions say something else; when says when
    the first one was kept."""
    return [
        Problem(path, f"{before} {when}, now {now}")
        for path in sorted({*kept, *wanted})
        if (now := wanted.get(path, ABSENT)) != (before := kept.get(path, ABSENT))
    ]


def reason(error: BaseException) -> str:
    """One line that says why a run failed."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    text = " ".join(str(error).split())
    return text if isinstance(error, FinesweepError) else f"{type(error).__name__}: {text}"


def first_line(error: BaseException) -> str:
    """The first line of what another library's error says, and the next where it ends with a colon;
    with its type where it says little."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    n_lines = 2 if lines and lines[0].endswith(":") else 1
    said = " ".join(lines[:n_lines])
    name = type(error).__name__
    return f"{name}: {said}" if isinstance(error, LookupError) else said or name


def nearest(name: str, names: Iterable[str], *, listed: int = 30) -> str:
    """A clause that offers the closest of names, and lists all when few enough to read."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    offer = [f"did you mean {close[0]!r}?"] if close else []
    listing = [f"known: {', '.join(known) or 'none'}"] if len(known) <= listed else []
    return " ".join(offer + listing) or f"none of the {len(known)} names is close"
