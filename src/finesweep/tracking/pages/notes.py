"""Descriptions that MLflow's pages show, in Markdown, and that a user may write in their place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from finesweep.tracking.names import MAX_TAG_CHARACTERS, text_of
from finesweep.tracking.runs import Run

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


def escaped(value: Any) -> str:
    """value as Markdown that shows it as it is, in one line: a user's name may hold anything."""
    line = " ".join(str(value).split())
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~&:$-])", r"\\\1", line)


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table whose cells are escaped."""
    lines = [[escaped(cell) for cell in row] for row in (headings, *rows)]
    lines.insert(1, ["---"] * len(headings))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
