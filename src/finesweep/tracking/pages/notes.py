"""Descriptions that MLflow's pages show, in Markdown, and that a user may write in their place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from finesweep.tracking.names import MAX_TAG_CHARACTERS, text_of
from finesweep.tracking.runs import Run

N_DIGEST = 16
WRITTEN = "finesweep.note_sha256"
"""Tag: the SHA-256 of the description as finesweep last wrote it."""


def describe_run(run: Run, text: str) -> None:
    """Sets the run's description, unless the user has edited the last one."""
    tags = run.store.client.get_run(run.run_id).data.tags
    found, text = tags.get(MLFLOW_RUN_NOTE), text_of(text, MAX_TAG_CHARACTERS)
    if is_ours(found, tags.get(WRITTEN)) and found != text:
        run.set_tags({MLFLOW_RUN_NOTE: text, WRITTEN: digest(text)})


def is_ours(found: str | None, written: str | None) -> bool:
    """Whether a description may be replaced: there is none, or finesweep wrote it as it is."""
    return not found or digest(found) == written


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def signed(text: str) -> str:
    """A description that tells by itself whether it was edited: a comment ends it, which Markdown
    does not show. Two tags could not be written at once."""
    return f"{text}\n\n{_mark(text)}"


def is_signed(found: str) -> bool:
    """Whether `signed` made the description, and nobody has edited it."""
    text, _, mark = found.strip().rpartition("\n\n")
    return mark == _mark(text)


def _mark(text: str) -> str:
    return f"[//]: # (finesweep {digest(text)[:N_DIGEST]})"


def escaped(value: Any) -> str:
    """value as Markdown that shows it as it is, in one line: a user's name may hold anything."""
    line = " ".join(str(value).split())
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~&:$-])", r"\\\1", line)


@dataclass(frozen=True)
class Link:
    """A text that links to an address without spaces or parentheses."""

    text: str
    address: str


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table whose cells are escaped; a cell may be a Link."""
    lines = [[_cell(cell) for cell in row] for row in (headings, *rows)]
    lines.insert(1, ["---"] * len(headings))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Any) -> str:
    if isinstance(cell, Link):
        return f"[{escaped(cell.text)}]({cell.address})"
    return escaped(cell)
