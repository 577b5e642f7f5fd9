"""Predictions in words: as JSON for programs, and for people why one is UNCERTAIN."""

from __future__ import annotations

from typing import Any

from finesweep.records import Prediction

NO_GRADIENTS = (
    "an ONNX model cannot tell which words a prediction depends on; its PyTorch original can"
)
NO_TEXT = "there is no text to read"


def prediction_json(prediction: Prediction) -> dict[str, Any]:
    """The prediction as JSON: `label` is set even if uncertain; with several
    labels, `labels` lists them."""
    labels = {} if prediction.labels is None else {"labels": list(prediction.labels)}
    return {
        "label": prediction.label,
        **labels,
        "probability": prediction.probability,
        "uncertain": not prediction.sure,
        "truncated": prediction.truncated,
        "probabilities": dict(prediction.probabilities),
    }


def why_uncertain(prediction: Prediction, *, uncertain_below: float) -> str:
    """The label, its probability, and the threshold that it misses."""
    if prediction.probability is None:
        return NO_TEXT
    actual, needed = distinct_decimals(prediction.probability, uncertain_below, decimals=3)
    return f"{prediction.label}: {actual} is below {needed}"


def distinct_decimals(smaller: float, larger: float, *, decimals: int) -> tuple[str, str]:
    """Two unequal numbers with enough decimals to tell them apart, at least `decimals`."""
    texts = f"{smaller:.{decimals}f}", f"{larger:.{decimals}f}"
    if texts[0] == texts[1] and smaller != larger:
        return distinct_decimals(smaller, larger, decimals=decimals + 1)
    return texts
