"""Notes on a label column: spellings merged into one class, and labels that only look alike."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from finesweep.dataset.labels.values import ROUGHLY_NUMBER, Label, label_values
from finesweep.records import SplitName
from finesweep.wording import SHOWN_VALUES


def label_notes(columns: Mapping[SplitName, pd.Series], *, are_named: bool) -> list[str]:
    """At most one sentence each: on labels with several spellings, on labels that look alike and,
    unless they have names, on naming numbers. columns are the label columns of all splits."""
    spellings: dict[Label, set[str]] = defaultdict(set)
    for split, labels in label_values(columns).items():
        for raw, label in {*zip(map(_spelling, columns[split]), labels, strict=True)}:
            if label is not None:
                spellings[label] |= set() if raw is None else {raw}
    lookalikes: dict[Any, set[str]] = defaultdict(set)
    for label in spellings:
        lookalikes[_normalised(str(label))].add(str(label))
    return [
        *_note("labels with several spellings are one class: {}", spellings.values()),
        *_note(
            "labels that look alike are separate classes: {}; dataset.label_map merges them",
            lookalikes.values(),
        ),
        *(() if are_named else _hint(spellings)),
    ]


def _spelling(raw: object) -> str | None:
    return raw if isinstance(raw, str) else None


def _normalised(text: str) -> object:
    """A key that is equal for labels that look alike: case, blanks, widths, zeros, invisible
    characters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(
        each for each in folded if not each.isspace() and unicodedata.category(each) != "Cf"
    )
    return float(bare) if ROUGHLY_NUMBER.fullmatch(bare) else bare


def _note(sentence: str, groups: Iterable[set[str]]) -> list[str]:
    several = sorted(sorted(group) for group in groups if len(group) > 1)
    if not several:
        return []
    listing = ", ".join(" and ".join(map(repr, group)) for group in several[:SHOWN_VALUES])
    more = len(several) - SHOWN_VALUES
    return [sentence.format(listing + (f" and {more:,} more" if more > 0 else ""))]


def _hint(labels: Iterable[Label]) -> list[str]:
    numbers = sorted(label for label in labels if not isinstance(label, str))
    if not numbers or any(isinstance(label, str) for label in labels):
        return []
    names = [f"NAME{k}" for k in range(len(numbers))]
    if numbers == list(range(len(numbers))):
        option = f"dataset.label_names=[{_few(names)}]"
    else:
        pairs = [f"{number}: {name}" for number, name in zip(numbers, names, strict=True)]
        option = f"dataset.label_map={{{_few(pairs)}}}"
    return [f"labels are numbers; {option} gives them names, which predictions then use"]


def _few(items: list[str]) -> str:
    return ", ".join(items if len(items) <= 3 else [*items[:2], "…"])
