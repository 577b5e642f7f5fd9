"""Lengths of texts in the model's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finesweep.prediction.classifier import Classifier


def token_counts(classifier: Classifier, texts: Sequence[str | None]) -> list[int]:
    """The number of tokens of each text after cleaning, special tokens included; 0 for a text, or a
    pair with a text, without any others.

    ValueError when the classifier reads pairs and a text is not one.
    """
    present = [text for text in texts if text and text.strip()]
    if not present:
        return [0] * len(texts)
    network = classifier.network
    columns = [network.lengths(column) for column in classifier.clean_columns(present)]
    special = network.n_special_tokens(pairs=len(columns) > 1)
    rows = zip(*columns, strict=True)
    counts = (sum(sides) + special if all(sides) else 0 for sides in rows)
    return [next(counts) if text and text.strip() else 0 for text in texts]
