"""The console that commands print to."""

from __future__ import annotations

from rich.console import Console


def screen(*, stderr: bool = False) -> Console:
    """A console without markup or highlighting: [b] and :tada: in a label stay as they are."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)
