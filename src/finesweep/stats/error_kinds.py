"""Why a wrong answer may have been given: a guess at its kind, from the text and the odds."""

from __future__ import annotations

import re

NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|none|nothing|nobody|without|hardly|barely|cannot)\b|n['’]t\b"
)
CONTRAST = re.compile(r"\b(?:but|however|although|though|despite|yet|whereas|except|otherwise)\b")
"""English, as are those above: of texts in other languages only length and odds are told."""
MIN_MARGIN = 0.2
"""Between the two likeliest labels: with less the model could as well have said the other."""
KINDS = {
    "long": "the model read only its beginning",
    "low confidence": "the model was nearly undecided",
    "mixed": "it says one thing, and then another",
    "negation": "a word in it turns others round",
    "unclear": "neither length nor odds nor an English word of doubt explains it",
}
"""Kind → what it means of a text, the likeliest cause first."""


def kinds_of_error(text: str, *, margin: float, is_cut: bool) -> tuple[str, ...]:
    """The KINDS that fit one wrong answer, at least one.

    margin in [0, 1] is how much likelier the given answer was than the next; is_cut says that the
    model did not read the whole text.
    """
    lower = text.lower()
    found = {
        "long": is_cut,
        "low confidence": margin < MIN_MARGIN,
        "mixed": CONTRAST.search(lower) is not None,
        "negation": NEGATION.search(lower) is not None,
    }
    return tuple(kind for kind, fits in found.items() if fits) or ("unclear",)
