"""Words in any script, and whether a dataset's texts have separable words at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import regex

_UNSPACED = r"\p{lb=ID}\p{lb=CJ}\p{lb=SA}\p{lb=AK}\p{lb=AS}"
"""Characters between any two of which Unicode allows a line break (UAX #14), since their scripts
have no blanks between words: Chinese, Japanese, Thai, Lao, Khmer, Burmese, Javanese; emoji too."""
_LETTER = r"[\w\p{N}--[\p{M}\p{Join_Control}]]"
_INNER = r"[\w\p{N}\p{M}\p{Join_Control}]"
"""Marks are vowels in many scripts; joiners occur within words of Persian and Hindi."""
_SIGN = rf"(?=[\p{{So}}[[\w\p{{N}}]&&[{_UNSPACED}]]])\X"
_PART = rf"[{_LETTER}--[{_UNSPACED}]][{_INNER}--[{_UNSPACED}]]*"

WORD = regex.compile(rf"{_LETTER}{_INNER}*", regex.V1)
"""Runs of letters, digits and underscores with their marks."""
UNIT = regex.compile(rf"{_SIGN}|{_PART}(?:'{_PART})*", regex.V1)
"""Words, and single characters in scripts without blanks between words; emoji are characters."""
SIGN = regex.compile(rf"(?:{_SIGN})", regex.V1)
_PIECE = regex.compile(rf"{_SIGN}|(?:(?!{_SIGN})\S)+", regex.V1)

MAX_CHARACTERS = 1_000
"""Characters read of each text."""
_MAX_TEXTS = 5_000
MIN_KNOWN = 1 / 3
"""Minimum share of a text's characters in words that another text has too, for its words to be
informative."""
MAX_UNKNOWN = 0.15
"""Maximum share of texts below MIN_KNOWN. Measured on 1,000 texts or more: 0.006 to 0.14 for
English tweets, reviews and phrases; 0.24 to 0.32 for URLs; 0.22 if a fifth of the texts is Chinese;
0.9 and more for Chinese, English without blanks, DNA and emoji."""


def are_words_separated(texts: Sequence[str]) -> bool:
    """Whether words recur across texts, so that a model of words can learn from them.

    They do not in scripts without blanks, in URLs, codes and emoji, or in a few dozen texts of any
    kind: there a model needs characters. Duplicates count once.
    """
    distinct = list(dict.fromkeys(text[:MAX_CHARACTERS] for text in texts))
    sample = distinct[:: max(1, len(distinct) // _MAX_TEXTS)]
    rows = [WORD.findall(text.lower()) for text in sample]
    n_texts = Counter(word for words in rows for word in set(words))
    n_unknown = 0
    for text, words in zip(sample, rows, strict=True):
        n_known = sum(len(word) for word in words if n_texts[word] > 1)
        n_unknown += n_known < MIN_KNOWN * sum(map(len, text.split()))
    return n_unknown <= MAX_UNKNOWN * len(sample)


def count_words(text: str) -> tuple[int, int]:
    """Number of words in a text and of their characters: separated by whitespace, or single
    characters in scripts without blanks, where punctuation by itself is no word."""
    if text.isascii() or SIGN.search(text) is None:
        words = text.split()
        return len(words), sum(map(len, words))
    pieces = [each for each in _PIECE.findall(text) if UNIT.search(each)]
    return len(pieces), sum(map(len, pieces))


def phrase(units: Sequence[str]) -> str:
    """Consecutive units as text: no blank between two characters of scripts without blanks."""
    text = units[0]
    for before, after in pairwise(units):
        is_joined = SIGN.fullmatch(before) and SIGN.fullmatch(after)
        text += after if is_joined else f" {after}"
    return text
