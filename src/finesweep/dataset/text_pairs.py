"""Several columns made into the one column of texts that all else reads: parts of one text, such as
title and body, and the two texts of a pair."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from finesweep.dataset.row_filters import Frames, is_missing
from finesweep.dataset.validation import raise_all
from finesweep.errors import Problem
from finesweep.pairs import MARK, joined

SHOWN_CHARACTERS = 60
LINE_BREAK = "\n"
"""Between the parts of one text: a blank to BERT's tokenizers, a token of its own to RoBERTa's."""


def with_joined_pairs(frames: Frames) -> Frames:
    """Frames in which text is the pair of what were text and pair; those without a column pair are
    left alone, and a pair that lacks a side is missing.

    ConfigError when a side holds the mark that stands between them.
    """
    paired = {split: frame for split, frame in frames.items() if "pair" in frame}
    found = {
        (split, kind): told
        for split, frame in paired.items()
        for kind in ("text", "pair")
        if (told := mark_problem(frame[kind]))
    }
    raise_all(
        [
            Problem(f"dataset.{kind}_column", f"{split} {told}")
            for (split, kind), told in found.items()
        ]
    )
    made = {
        split: frame.assign(text=join_pairs(frame["text"], frame["pair"])).drop(columns="pair")
        for split, frame in paired.items()
    }
    return {**frames, **made}


def join_pairs(first: pd.Series, second: pd.Series) -> pd.Series:
    """The pair of each row as one text, None where a side is missing or blank."""
    lacking = is_missing(first) | is_missing(second)
    texts = [
        None if lacks else joined(str(one), str(other))
        for one, other, lacks in zip(first, second, lacking, strict=True)
    ]
    return pd.Series(texts, first.index, dtype=object)


def join_columns(columns: Sequence[pd.Series]) -> pd.Series:
    """The parts of each row one below another, without those that are missing or blank; None where
    all are."""
    there = [~is_missing(column) for column in columns]
    rows = zip(*(column.astype(object) for column in columns), strict=True)
    held = zip(*there, strict=True)
    texts = [
        LINE_BREAK.join(
            str(part).strip() for part, is_there in zip(row, kept, strict=True) if is_there
        )
        or None
        for row, kept in zip(rows, held, strict=True)
    ]
    return pd.Series(texts, columns[0].index, dtype=object)


def mark_problem(column: pd.Series) -> str | None:
    """What to say of a column with a text that holds the mark; None when none does."""
    marked = column[column.astype("str").str.contains(MARK, regex=False, na=False)]
    if marked.empty:
        return None
    shown = str(marked.iloc[0])[:SHOWN_CHARACTERS]
    return f"holds {MARK!r} in {shown!r}, the sign that stands between the texts of a pair"
