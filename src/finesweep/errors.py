"""Errors that users can cause, each with its exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM, as in shells."""
REPLACE = 75
"""Exit code of a worker that cannot go on, where a new one can: EX_TEMPFAIL of sysexits.h."""
ABSENT = "nothing"
"""Shown for a path that a definition lacks."""


class FinesweepError(Exception):
    """A failure that is not a bug; the message is for the user. Exit code 1."""

    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One problem in the user's input: where (dotted path, file or argument), and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ConfigError(FinesweepError):
    """Bad usage or configuration, with all problems. Exit code 2."""

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
    """A loss or a logit became NaN or infinite; the run cannot continue."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any], *, when: str) -> list[Problem]:
    """A problem for each dotted path with different values; when tells when `before` was
    recorded."""
    return [
        Problem(path, f"{old} {when}, now {new}")
        for path in sorted({*before, *after})
        if (new := after.get(path, ABSENT)) != (old := before.get(path, ABSENT))
    ]


def reason(error: BaseException) -> str:
    """One line about why a run failed."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    text = " ".join(str(error).split())
    return text if isinstance(error, FinesweepError) else f"{type(error).__name__}: {text}"


def first_line(error: BaseException) -> str:
    """The first line of another library's error, and the next if it ends with a colon; with the
    type of a LookupError, whose message alone is unclear."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    n_lines = 2 if lines and lines[0].endswith(":") else 1
    message = " ".join(lines[:n_lines])
    name = type(error).__name__
    return f"{name}: {message}" if isinstance(error, LookupError) else message or name


def nearest(name: str, names: Iterable[str], *, listed: int = 30) -> str:
    """A clause with the closest of names, and a list of all if they are few."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    offer = [f"did you mean {close[0]!r}?"] if close else []
    listing = [f"known: {', '.join(known) or 'none'}"] if len(known) <= listed else []
    return " ".join(offer + listing) or f"none of the {len(known)} names is close"
