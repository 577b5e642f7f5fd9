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

    kind: Literal["promoted", "rolled back", "set", "removed"]
    """set and removed: in MLflow, without a comparison."""
    version: str
    """The new champion; of a removal, the one that is champion no more."""
    at: str
    """ISO time, UTC; empty for changes made in MLflow, which keeps no time of them."""
    why: str


def standing(entries: Sequence[Entry]) -> list[str]:
    """Versions that a rollback could return to, oldest first; the last one is champion, unless its
    alias was removed."""
    return [entry.version for entry in _standing(entries)]


def _standing(entries: Sequence[Entry]) -> list[Entry]:
    """The entries that made them champions. A rollback takes those off that came after its version,
    any other change adds one."""
    champions: list[Entry] = []
    for entry in entries:
        if entry.kind == "rolled back":
            while champions and champions[-1].version != entry.version:
                champions.pop()
        if entry.kind != "removed" and (not champions or champions[-1].version != entry.version):
            champions.append(entry)
    return champions


def confirmed(entries: Sequence[Entry], champion: str | None) -> list[Entry]:
    """The entries that took effect, up to this champion.

    A kill between an entry and its alias leaves a last one that did not. Any other disagreement
    is a change in MLflow, which gets an entry of its own.
    """
    for effective in (entries, entries[:-1]):
        if _champion(effective) == champion:
            return list(effective)
    if champion is None:
        return [*entries, Entry("removed", entries[-1].version, "", "in MLflow")]
    return [*entries, Entry("set", champion, "", "in MLflow")]


def _champion(entries: Sequence[Entry]) -> str | None:
    return None if not entries or entries[-1].kind == "removed" else entries[-1].version


def dumps(entries: Sequence[Entry]) -> str:
    return json.dumps([asdict(entry) for entry in _shortened(entries)], ensure_ascii=False)


def _shortened(entries: Sequence[Entry]) -> list[Entry]:
    """At most MAX_ENTRIES; the oldest go first of those that no rollback needs, then of all."""
    needed = set(map(id, _standing(entries)))
    spare = [id(entry) for entry in entries if id(entry) not in needed]
    dropped = set(spare[: max(0, len(entries) - MAX_ENTRIES)])
    return [entry for entry in entries if id(entry) not in dropped][-MAX_ENTRIES:]


def loads(text: str | None) -> list[Entry]:
    return [Entry(**entry) for entry in json.loads(text)] if text else []
