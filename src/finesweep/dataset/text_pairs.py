"""Several columns joined into one text column: parts of a text, such as title and body, or the two
texts of a pair."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from finesweep.dataset.row_filters import Frames, is_missing
from finesweep.dataset.validation import raise_all
from finesweep.errors import Problem
from finesweep.pairs import MARK, join_pair

SHOWN_CHARACTERS = 60
LINE_BREAK = "\n"
"""Joins the parts of a text: BERT's tokenizers read it as a blank, RoBERTa's as its own token."""


def with_joined_pairs(frames: Frames) -> Frames:
    """Frames with columns text and pair joined into text; frames without a column pair are
    unchanged, and a pair with a missing text is missing.

    ConfigError if a text contains the mark that separates the pair.
    """
    paired = {split: frame for split, frame in frames.items() if "pair" in frame}
    messages = {
        (split, kind): message
        for split, frame in paired.items()
        for kind in ("text", "pair")
        if (message := mark_problem(frame[kind]))
    }
    raise_all(
        [
            Problem(f"dataset.{kind}_column", f"{split} {message}")
            for (split, kind), message in messages.items()
        ]
    )
    with_pairs = {
        split: frame.assign(text=join_pairs(frame["text"], frame["pair"])).drop(columns="pair")
        for split, frame in paired.items()
    }
    return {**frames, **with_pairs}


def join_pairs(first: pd.Series, second: pd.Series) -> pd.Series:
    """The pair of each row as one text; None if a text is missing or blank."""
    incomplete = is_missing(first) | is_missing(second)
    texts = [
        None if is_incomplete else join_pair(str(one), str(other))
        for one, other, is_incomplete in zip(first, second, incomplete, strict=True)
    ]
    return pd.Series(texts, first.index, dtype=object)


def join_columns(columns: Sequence[pd.Series]) -> pd.Series:
    """The parts of each row, one per line, without missing or blank ones; None if all are."""
    is_present = [~is_missing(column) for column in columns]
    rows = zip(*(column.astype(object) for column in columns), strict=True)
    presence = zip(*is_present, strict=True)
    texts = [
        LINE_BREAK.join(
            str(part).strip() for part, has_part in zip(row, parts, strict=True) if has_part
        )
        or None
        for row, parts in zip(rows, presence, strict=True)
    ]
    return pd.Series(texts, columns[0].index, dtype=object)


def mark_problem(column: pd.Series) -> str | None:
    """A message for a column in which a text contains the mark; None if none does."""
    marked = column[column.astype("str").str.contains(MARK, regex=False, na=False)]
    if marked.empty:
        return None
    example = str(marked.iloc[0])[:SHOWN_CHARACTERS]
    return f"contains {MARK!r} in {example!r}, the character that separates the texts of a pair"
