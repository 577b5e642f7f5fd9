"""Rows whose text or label is missing or blank."""

from __future__ import annotations

from finesweep.dataset.checks.findings import percent, rows_where
from finesweep.dataset.row_filters import is_missing
from finesweep.records import SPLITS, Finding, Splits
from finesweep.wording import counted_rows

CHECK = "missing"


def find_missing(splits: Splits) -> list[Finding]:
    """A warning for missing texts and one for missing labels, if there are any in the raw data.

    Never severe: without dataset.missing=drop the data is refused before any check, and with it the
    rows are gone.
    """
    return [finding for kind in ("text", "label") if (finding := _finding(splits, kind))]


def _finding(splits: Splits, kind: str) -> Finding | None:
    raw = {split: splits.raw[split] for split in SPLITS if split in splits.raw}
    rows = rows_where({split: is_missing(frame[kind]) for split, frame in raw.items()})
    if not rows:
        return None
    n_read = sum(len(frame) for frame in raw.values())
    message = (
        f"{counted_rows(len(rows))} ({percent(len(rows), n_read)}) with missing or blank {kind}: "
        "training refuses them, and dataset.missing=drop drops them"
    )
    return Finding(CHECK, "warning", message, rows)
