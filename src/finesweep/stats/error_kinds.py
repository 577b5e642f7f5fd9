"""Heuristic kinds of prediction errors, from the text and the probabilities."""

from __future__ import annotations

import re

NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|none|nothing|nobody|without|hardly|barely|cannot)\b|n['’]t\b"
)
CONTRAST = re.compile(r"\b(?:but|however|although|though|despite|yet|whereas|except|otherwise)\b")
"""English only, like NEGATION: texts in other languages get kinds by length and margin alone."""
MIN_MARGIN = 0.2
"""Probability gap between the two likeliest labels; below it the prediction is nearly a tie."""
KINDS = {
    "long": "the model read only its beginning",
    "low confidence": "the model was nearly undecided",
    "mixed": "it says one thing, and then another",
    "negation": "a word in it turns others round",
    "unclear": "neither length nor odds nor an English word of doubt explains it",
}
"""Kind → what it means, the likeliest cause first."""


def kinds_of_error(text: str, *, margin: float, is_cut: bool) -> tuple[str, ...]:
    """The KINDS that fit one prediction error, at least one.

    margin in [0, 1] is the probability gap between the prediction and the next label; is_cut is
    true if the text was truncated.
    """
    lower = text.lower()
    matches = {
        "long": is_cut,
        "low confidence": margin < MIN_MARGIN,
        "mixed": CONTRAST.search(lower) is not None,
        "negation": NEGATION.search(lower) is not None,
    }
    return tuple(kind for kind, fits in matches.items() if fits) or ("unclear",)
