"""Champion history: the log of promotions and rollbacks, with reasons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

MAX_ENTRIES = 30
"""Entries kept: a tag of a registered model holds 5,000 characters."""


@dataclass(frozen=True)
class Entry:
    """One change of champion."""

    kind: Literal["promoted", "rolled back"]
    version: str
    """The new champion."""
    at: str
    """ISO time, UTC."""
    why: str


def standing(entries: Sequence[Entry]) -> list[str]:
    """Versions that a rollback could return to, oldest first; the last one is champion.

    A promotion adds one, a rollback removes the last.
    """
    champions: list[str] = []
    for entry in entries:
        if entry.kind == "promoted":
            champions.append(entry.version)
        elif champions:
            champions.pop()
    return champions


def confirmed(entries: Sequence[Entry], champion: str | None) -> list[Entry]:
    """The entries that took effect: a kill between the last entry and the alias leaves one that did
    not."""
    effective = list(entries)
    while effective and standing(effective)[-1:] != ([champion] if champion else []):
        effective.pop()
    return effective


def dumps(entries: Sequence[Entry]) -> str:
    return json.dumps([asdict(entry) for entry in entries[-MAX_ENTRIES:]], ensure_ascii=False)


def loads(text: str | None) -> list[Entry]:
    return [Entry(**entry) for entry in json.loads(text)] if text else []
