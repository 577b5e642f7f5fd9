"""What an examination found, and examinations that end in time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from finesweep.databases import hidden_password
from finesweep.errors import first_line

State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's."""

    name: str
    state: State
    """missing: not there, which may be fine; broken: there, and does not work."""
    message: str
    hint: str = ""
    """A command to type, or what to change."""
    needed: bool = True
    """Whether sweeps on this machine need it."""

    @property
    def is_fatal(self) -> bool:
        return self.needed and self.state != "ok"


def ok(name: str, message: str, hint: str = "") -> Finding:
    return Finding(name, "ok", message, hint)


def within(seconds: float, name: str, examine: Callable[[], Finding], *, needed: bool) -> Finding:
    """What examine() finds, or that it raised or did not end within the seconds.

    It runs in a thread that is left behind: neither a driver nor a name server can be interrupted.
    """
    found: list[Finding] = []

    def run() -> None:
        try:
            found.append(examine())
        except Exception as error:  # any library may raise anything on a broken machine
            message = f"{type(error).__name__}: {hidden_password(first_line(error))}"
            found.append(Finding(name, "broken", message, needed=needed))

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    if found:
        return found[0]
    return Finding(name, "broken", f"no answer within {seconds:g} s", needed=needed)
