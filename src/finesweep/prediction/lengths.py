"""How much of a text there is to read, in the tokens of the model that is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finesweep.prediction.classifier import Classifier


def token_counts(classifier: Classifier, texts: Sequence[str | None]) -> list[int]:
    """Of each text the tokens that it has once it is cleaned, special tokens included; 0 where a
    model finds nothing to read in it, or in a side of a pair.

    ValueError when the classifier reads pairs and a text is none.
    """
    held = [text for text in texts if text and text.strip()]
    if not held:
        return [0] * len(texts)
    tokenizer = classifier.pipeline.tokenizer
    columns = [
        tokenizer(
            column,
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,  # of texts longer than the model's length, which is what is asked here
        )["input_ids"]
        for column in classifier.read_of(held)
    ]
    special = tokenizer.num_special_tokens_to_add(pair=len(columns) > 1)
    rows = zip(*columns, strict=True)
    counts = (sum(map(len, sides)) + special if all(map(len, sides)) else 0 for sides in rows)
    return [next(counts) if text and text.strip() else 0 for text in texts]
