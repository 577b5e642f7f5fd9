"""Two texts as one: the sides of a pair stand apart by a mark that neither of them holds.

Whatever looks at texts (duplicates, leakage, fingerprints, TF-IDF, lists of errors) takes such a
text as any other; whatever feeds a model takes it apart again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MARK = "\N{SYMBOL FOR RECORD SEPARATOR}"
"""A picture of the control character, because people see joined texts too."""
PAIR = f" {MARK} "
"""What stands between the sides."""


def joined(first: str, second: str) -> str:
    """The pair as one text, of which `sides` makes the two again."""
    return f"{first}{PAIR}{second}"


def sides(text: str) -> tuple[str, str]:
    """Both texts of a joined pair; ValueError when it is none."""
    first, mark, second = text.partition(PAIR)
    if not mark or MARK in first or MARK in second:
        raise ValueError(f"{text[:80]!r} is no pair of texts")
    return first, second


def joined_or_none(first: str, second: str) -> str | None:
    """The same; None where a side is blank, and there is no pair to read."""
    return joined(first, second) if first.strip() and second.strip() else None


def mark_problem(text: str) -> str | None:
    """What to say of a text that cannot be a side of a pair; None when it can."""
    if MARK in text:
        return f"contains {MARK!r}, the character that separates the texts of a pair"
    return None


def columns_of(texts: Sequence[str], *, pairs: bool) -> list[list[str]]:
    """What a tokenizer takes one behind another: the texts, or their first and their second sides.

    ValueError when a text of pairs is none.
    """
    if not pairs:
        return [list(texts)]
    split = [sides(text) for text in texts]
    return [[first for first, _ in split], [second for _, second in split]]


def pipeline_inputs(columns: Sequence[Sequence[str]]) -> list[Any]:
    """What transformers' text-classification pipeline takes for columns as `columns_of` made."""
    if len(columns) == 1:
        return list(columns[0])
    return [{"text": first, "text_pair": second} for first, second in zip(*columns, strict=True)]
