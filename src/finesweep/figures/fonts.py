"""Texts limited to the characters of a figure's font."""

from __future__ import annotations

from functools import cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font

MISSING = "□"
"""Replaces a character that the font lacks: matplotlib would warn of each."""


def drawable(text: str, n_characters: int) -> str:
    """At most n_characters of the text, with those replaced that matplotlib's own font lacks."""
    shortened = text if len(text) <= n_characters else f"{text[: n_characters - 1]}…"
    drawn = letters_of(findfont(FontProperties()))
    return "".join(each if ord(each) in drawn else MISSING for each in shortened)


@cache
def letters_of(font_path: str) -> frozenset[int]:
    """Code points that a font can draw."""
    return frozenset(FT2Font(font_path).get_charmap())
