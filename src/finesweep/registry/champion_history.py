"""Who was champion, when and why: a list of what happened, from which the present follows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

N_KEPT = 30
"""Entries: a tag of a registered model holds 5,000 characters."""


@dataclass(frozen=True)
class Entry:
    """One change of champion."""

    kind: Literal["promoted", "rolled back"]
    version: str
    """Champion from then on."""
    at: str
    """ISO time, UTC."""
    why: str


def standing(entries: Sequence[Entry]) -> list[str]:
    """Versions that a rollback could return to, oldest first; the last one is champion.

    A promotion adds one, a rollback takes the last away.
    """
    found: list[str] = []
    for entry in entries:
        if entry.kind == "promoted":
            found.append(entry.version)
        elif found:
            found.pop()
    return found


def truth(entries: Sequence[Entry], champion: str | None) -> list[Entry]:
    """The entries without a last one that never came true: a kill may stand between the entry and
    the alias."""
    kept = list(entries)
    while kept and standing(kept)[-1:] != ([champion] if champion else []):
        kept.pop()
    return kept


def written(entries: Sequence[Entry]) -> str:
    return json.dumps([asdict(entry) for entry in entries[-N_KEPT:]], ensure_ascii=False)


def read(text: str | None) -> list[Entry]:
    return [Entry(**entry) for entry in json.loads(text)] if text else []
