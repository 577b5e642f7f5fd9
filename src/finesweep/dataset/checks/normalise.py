"""Texts as they are compared when looks do not count."""

from __future__ import annotations

import unicodedata

import pandas as pd

DROPPED_ASCII = bytes(code for code in range(128) if not chr(code).isalnum())

VARIATIONS = {*range(0xFE00, 0xFE10)}
"""Marks that say in which style a sign is drawn: a heart with one and without are the same."""


class _Kept(dict[int, int | None]):
    """A table for str.translate: letters, digits, marks and symbols stay.

    Marks, because they are the vowels of many scripts; symbols, because emoji are all that some
    texts consist of.
    """

    def __missing__(self, code: int) -> int | None:
        category = unicodedata.category(chr(code))
        is_kept = category[0] in "LNM" or category == "So"
        self[code] = code if is_kept and code not in VARIATIONS else None
        return self[code]


def normalised(texts: pd.Series) -> pd.Series:
    """Letters and digits of each text, after NFKC and casefolding; `` where it has none."""
    kept = _Kept()
    return pd.Series([_normalised(text, kept) for text in texts], index=texts.index, dtype="str")


def _normalised(text: str, kept: _Kept) -> str:
    if text.isascii():
        # Most texts; a tenth of the time of what follows.
        return text.lower().encode().translate(None, DROPPED_ASCII).decode()
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).translate(kept)
