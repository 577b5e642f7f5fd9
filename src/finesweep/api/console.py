"""The console that commands and functions of the Python API print to."""

from __future__ import annotations

from rich.console import Console


def screen(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console without markup or highlighting: [b] and :tada: in a label stay as they are."""
    return Console(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False)


def is_live(console: Console) -> bool:
    """Whether someone looks at the console: it is a terminal that can move its cursor, or a
    notebook's cell. FORCE_COLOR alone makes no terminal of a log."""
    is_terminal = console.is_interactive and console.file.isatty()
    return not console.quiet and (console.is_jupyter or is_terminal)


def say(console: Console, message: str) -> None:
    """Prints a message: whole lines in a log, broken between words where someone looks."""
    console.print(message, soft_wrap=not is_live(console))
