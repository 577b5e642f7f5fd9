"""What counts as a word, in any script, and whether a dataset's words are set apart at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import regex

_UNSPACED = r"\p{lb=ID}\p{lb=CJ}\p{lb=SA}\p{lb=AK}\p{lb=AS}"
"""Where Unicode lets a line break between any two signs (UAX #14), because no blank stands between
words: Chinese, Japanese, Thai, Lao, Khmer, Burmese, Javanese; emoji too."""
_LETTER = r"[\w\p{N}--[\p{M}\p{Join_Control}]]"
_INNER = r"[\w\p{N}\p{M}\p{Join_Control}]"
"""Marks are the vowels of many scripts; joiners stand within words of Persian and Hindi."""
_SIGN = rf"(?=[\p{{So}}[[\w\p{{N}}]&&[{_UNSPACED}]]])\X"
_PART = rf"[{_LETTER}--[{_UNSPACED}]][{_INNER}--[{_UNSPACED}]]*"

WORD = regex.compile(rf"{_LETTER}{_INNER}*", regex.V1)
"""Runs of letters, digits and underscores with their marks."""
UNIT = regex.compile(rf"{_SIGN}|{_PART}(?:'{_PART})*", regex.V1)
"""Words, and single signs where no blanks stand between words; emoji are signs."""
SIGN = regex.compile(rf"(?:{_SIGN})", regex.V1)
_PIECE = regex.compile(rf"{_SIGN}|(?:(?!{_SIGN})\S)+", regex.V1)

MAX_CHARACTERS = 1_000
"""Read of each text."""
_MAX_TEXTS = 5_000
MIN_KNOWN = 1 / 3
"""Of a text's characters, in words that another text has too, if its words are to tell anything."""
MAX_UNKNOWN = 0.15
"""Of the texts, below that. Measured on 1,000 texts or more: 0.006 to 0.14 of English tweets,
reviews and phrases; 0.24 to 0.32 of URLs; 0.22 where a fifth of the texts is Chinese; 0.9 and more
of Chinese, of English without blanks, of DNA and of emoji."""


def are_words_separated(texts: Sequence[str]) -> bool:
    """Whether words come again from text to text, so that a model of words can learn from them.

    They do not in scripts without blanks, in URLs, codes and emoji, and in a few dozen texts of any
    kind: there a model needs characters. Copies of a text count once.
    """
    distinct = list(dict.fromkeys(text[:MAX_CHARACTERS] for text in texts))
    sample = distinct[:: max(1, len(distinct) // _MAX_TEXTS)]
    rows = [WORD.findall(text.lower()) for text in sample]
    n_texts = Counter(word for words in rows for word in set(words))
    n_unknown = 0
    for text, words in zip(sample, rows, strict=True):
        known = sum(len(word) for word in words if n_texts[word] > 1)
        n_unknown += known < MIN_KNOWN * sum(map(len, text.split()))
    return n_unknown <= MAX_UNKNOWN * len(sample)


def count_words(text: str) -> tuple[int, int]:
    """Words of a text and their characters: what stands between white space, and single signs where
    no blanks stand between words; of texts with such signs, punctuation by itself is no word."""
    if text.isascii() or SIGN.search(text) is None:
        words = text.split()
        return len(words), sum(map(len, words))
    pieces = [each for each in _PIECE.findall(text) if UNIT.search(each)]
    return len(pieces), sum(map(len, pieces))


def phrase(units: Sequence[str]) -> str:
    """Units in a row as they are read: no blank between two signs."""
    told = units[0]
    for before, after in pairwise(units):
        together = SIGN.fullmatch(before) and SIGN.fullmatch(after)
        told += after if together else f" {after}"
    return told
