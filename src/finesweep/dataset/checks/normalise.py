"""Texts normalised for comparison."""

from __future__ import annotations

import unicodedata

import pandas as pd

DROPPED_ASCII = bytes(code for code in range(128) if not chr(code).isalnum())

VARIATIONS = {*range(0xFE00, 0xFE10)}
"""Variation selectors, which only change how a character is drawn, such as a heart."""


class _KeptCharacters(dict[int, int | None]):
    """A table for str.translate that keeps letters, digits, marks and symbols.

    Marks are vowels in many scripts, and some texts consist of emoji only.
    """

    def __missing__(self, code: int) -> int | None:
        category = unicodedata.category(chr(code))
        is_kept = category[0] in "LNM" or category == "So"
        self[code] = code if is_kept and code not in VARIATIONS else None
        return self[code]


def normalised(texts: pd.Series) -> pd.Series:
    """Letters, digits, marks and symbols of each text, after NFKC and casefolding; empty if it has
    none."""
    table = _KeptCharacters()
    return pd.Series([_normalised(text, table) for text in texts], index=texts.index, dtype="str")


def _normalised(text: str, table: _KeptCharacters) -> str:
    if text.isascii():
        # Most texts are ASCII, and this takes a tenth of the time.
        return text.lower().encode().translate(None, DROPPED_ASCII).decode()
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).translate(table)
