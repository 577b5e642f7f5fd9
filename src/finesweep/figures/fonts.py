"""Texts as a picture's font can draw them."""

from __future__ import annotations

from functools import cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font

MISSING = "□"
"""Stands for a letter that the font lacks: matplotlib would warn of each."""


def drawable(text: str, n_characters: int) -> str:
    """At most so many characters, each of which matplotlib's own font has."""
    cut = text if len(text) <= n_characters else f"{text[: n_characters - 1]}…"
    known = letters_of(findfont(FontProperties()))
    return "".join(each if ord(each) in known else MISSING for each in cut)


@cache
def letters_of(font_path: str) -> frozenset[int]:
    """Unicode's numbers of the letters that a font can draw."""
    return frozenset(FT2Font(font_path).get_charmap())
