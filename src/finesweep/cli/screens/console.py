"""The screen that commands print on."""

from __future__ import annotations

from rich.console import Console


def screen(*, stderr: bool = False) -> Console:
    """A console on which texts stand as they are: [b] and :tada: in a user's label are letters."""
    return Console(stderr=stderr, markup=False, emoji=False)
