"""Sixty labelled texts, to be written in many file formats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.load import prepare
from finesweep.records import Splits

TEXTS = [f"red {number} blue {number * number}" for number in range(60)]
LABELS = [("good", "bad", "odd")[number % 3] for number in range(60)]
ROWS = list(zip(TEXTS, LABELS, strict=True))
Read = Callable[..., Splits]


def delimited(
    rows: Sequence[tuple[str, str]] = ROWS, *, by: str = ",", head: str | None = "text,label"
) -> str:
    """The rows with a separator, below a header."""
    lines = [by.join(row) for row in rows]
    return "\n".join([*([] if head is None else [head.replace(",", by)]), *lines, ""])


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file, if it has content, and reads it as the splits of a dataset."""

    def written(name: str, content: str | bytes | None = None, **fields: Any) -> Splits:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return prepare(DatasetConfig(**{"name": "x", "path": str(path), **fields}))

    return written


def notes_of(splits: Splits) -> list[str]:
    """The notes, without those on carved splits."""
    return [note for note in splits.notes if "carved" not in note]


def rows_of(splits: Splits) -> list[tuple[str, str]]:
    """Text and label of each row, in the order of the source."""
    frames = splits.frames.values()
    found = {
        number: (row.text, splits.label_names[row.label])
        for frame in frames
        for number, row in zip(frame.index, frame.itertuples(), strict=True)
    }
    return [found[number] for number in sorted(found)]
