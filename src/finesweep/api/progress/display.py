"""A live display below what a command prints, where someone looks; nothing in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.text import Text

from finesweep.api.console import is_live, screen

REFRESHES_PER_SECOND = 1.0
"""Enough for bars that move by the minute; each costs the training a few milliseconds of a core."""

Draw = Callable[[int], RenderableType]
"""The display in at most so many characters a line."""


@dataclass(frozen=True)
class _Frame:
    """The display, with room for the terminal's echo of Ctrl-C: in the next line it would shift all
    that is drawn after it."""

    draw: Draw

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.draw(max(1, options.max_width - len("^C")))


@contextmanager
def displayed(console: Console, draw: Draw) -> Iterator[Callable[[], None]]:
    """Within it the display is shown and drawn again every second; yields a function that draws it
    at once. It is gone afterwards, and what was printed meanwhile stays."""
    if not is_live(console):
        yield lambda: None
        return
    frame = _Frame(draw)
    live = Live(
        frame,
        console=console,
        refresh_per_second=REFRESHES_PER_SECOND,
        transient=True,
        vertical_overflow="ellipsis",
    )
    with live:
        yield live.refresh


def stage(console: Console, what: str) -> AbstractContextManager[object]:
    """Within it a line says what is done."""
    return displayed(console, lambda width: Text(what))


def progress_console(progress: bool) -> Console:
    """The console for progress of an API call: standard error or the notebook's cell; silent if
    progress is false."""
    return screen(stderr=True, quiet=not progress)
