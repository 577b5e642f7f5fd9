"""Predictions in words: as JSON for programs, and for people why one is UNCERTAIN."""

from __future__ import annotations

from typing import Any

from finesweep.records import Prediction

NO_GRADIENTS = (
    "an ONNX model cannot tell which words a prediction depends on; its PyTorch original can"
)
NO_TEXT = "there is no text to read"


def prediction_json(prediction: Prediction) -> dict[str, Any]:
    """The prediction as JSON: `label` is the most likely one, even if uncertain; with several
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
    """The most likely label, its probability, and the threshold that it misses."""
    if not prediction.probabilities:
        return NO_TEXT
    name, probability = likeliest(prediction)
    actual, needed = distinct_decimals(probability, uncertain_below, decimals=3)
    return f"{name}: {actual} is below {needed}"


def likeliest(prediction: Prediction) -> tuple[str, float]:
    """The label and probability that the threshold is compared with: the highest one; with several
    labels, all predicted labels and the probability that all are right. With two labels and a
    decision threshold between them, the prediction can be the other label."""
    if prediction.labels is not None and prediction.probability is not None:
        return prediction.label, prediction.probability
    return next(iter(prediction.probabilities.items()))


def distinct_decimals(smaller: float, larger: float, *, decimals: int) -> tuple[str, str]:
    """Two unequal numbers with enough decimals to tell them apart, at least `decimals`."""
    texts = f"{smaller:.{decimals}f}", f"{larger:.{decimals}f}"
    if texts[0] == texts[1] and smaller != larger:
        return distinct_decimals(smaller, larger, decimals=decimals + 1)
    return texts
