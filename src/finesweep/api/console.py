"""The console that commands and functions of the Python API print to."""

from __future__ import annotations

from rich.console import Console


def screen(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console without markup or highlighting: [b] and :tada: in a label stay as they are."""
    return Console(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False)
