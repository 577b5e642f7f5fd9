"""The data card of a run: what it was trained, validated and tested on, in numbers."""

from __future__ import annotations

from typing import Any

from finesweep.dataset.labels.values import label_counts, labels_of
from finesweep.records import SPLITS, SplitName, TextDataset

FILE = "data.json"


def data_card(dataset: TextDataset) -> dict[str, Any]:
    """Name, fingerprint, labels, whether a text may have several, notes, and each split's rows in
    all and by label, as in data.json."""
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "labels": list(dataset.label_names),
        "multi_label": dataset.multi_label,
        "notes": list(dataset.notes),
        "splits": {
            split: {"rows": len(dataset.split(split)), "labels": rows_by_label(dataset, split)}
            for split in SPLITS
        },
    }


def rows_by_label(dataset: TextDataset, split: SplitName) -> list[int]:
    """Number of the split's rows with each label."""
    labels = labels_of(dataset, dataset.split(split)["label"])
    counts: list[int] = label_counts(labels, len(dataset.label_names)).tolist()
    return counts
