"""A pair of texts as one text, with a separator that neither of them contains.

Code that works on texts (duplicates, leakage, fingerprints, TF-IDF, lists of errors) treats it like
any text; code that feeds a model splits it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MARK = "\N{SYMBOL FOR RECORD SEPARATOR}"
"""The visible symbol of the control character, because people see joined texts too."""
PAIR = f" {MARK} "
"""The separator between the two texts."""


def join_pair(first: str, second: str) -> str:
    """The pair as one text, which `split_pair` splits again."""
    return f"{first}{PAIR}{second}"


def split_pair(text: str) -> tuple[str, str]:
    """Both texts of a joined pair; ValueError when text is not one."""
    first, mark, second = text.partition(PAIR)
    if not mark or MARK in first or MARK in second:
        raise ValueError(f"{text[:80]!r} is not a pair of texts")
    return first, second


def join_pair_or_none(first: str, second: str) -> str | None:
    """The same; None if a text is blank."""
    return join_pair(first, second) if first.strip() and second.strip() else None


def mark_problem(text: str) -> str | None:
    """The end of a sentence about a text that cannot be part of a pair; None if it can."""
    if MARK in text:
        return f"contains {MARK!r}, the character that separates the texts of a pair"
    return None


def columns_of(texts: Sequence[str], *, pairs: bool) -> list[list[str]]:
    """A tokenizer's positional arguments: the texts, or the first and the second texts of pairs.

    ValueError when pairs is set and a text is not a joined pair.
    """
    if not pairs:
        return [list(texts)]
    split = [split_pair(text) for text in texts]
    return [[first for first, _ in split], [second for _, second in split]]


def pipeline_inputs(columns: Sequence[Sequence[str]]) -> list[Any]:
    """Inputs of transformers' text-classification pipeline, for columns by `columns_of`."""
    if len(columns) == 1:
        return list(columns[0])
    return [{"text": first, "text_pair": second} for first, second in zip(*columns, strict=True)]
