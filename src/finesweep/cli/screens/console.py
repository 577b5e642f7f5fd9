"""The console that commands print to."""

from __future__ import annotations

from rich.console import Console


def screen(*, stderr: bool = False) -> Console:
    """A console without markup: [b] and :tada: in a user's label are printed as they are."""
    return Console(stderr=stderr, markup=False, emoji=False)
