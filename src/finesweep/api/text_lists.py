"""Checks the lists of texts that functions of the Python API take: overrides, and names of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from finesweep.errors import ConfigError, Problem


def checked_texts(texts: Iterable[Any], *, field: str = "overrides") -> list[str]:
    """The texts as a list; ConfigError, naming field, for one text, a mapping, what is no list, and
    what is no text in it."""
    if isinstance(texts, str):
        raise ConfigError(Problem(field, f"takes a list; [{texts!r}] for one"))
    if isinstance(texts, Mapping) or not isinstance(texts, Iterable):
        raise ConfigError(Problem(field, f"takes a list of texts; {texts!r:.60} given"))
    listed = list(texts)
    problems = [
        Problem(field, f"number {number} is no text but {type(each).__name__}: {each!r:.60}")
        for number, each in enumerate(listed, 1)
        if not isinstance(each, str)
    ]
    if problems:
        raise ConfigError(*problems)
    return listed
