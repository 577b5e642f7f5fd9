"""What is said of an answer: to programs as JSON, to people why it is UNCERTAIN or was cut."""

from __future__ import annotations

from typing import Any

from finesweep.records import Prediction

NO_TEXT = "there is no text to read"


def json_answer(prediction: Prediction) -> dict[str, Any]:
    """The answer as JSON has it: `label` is the likeliest one whether the model is sure or not;
    of several labels `labels` is a list of them."""
    held = {} if prediction.labels is None else {"labels": list(prediction.labels)}
    return {
        "label": prediction.label,
        **held,
        "probability": prediction.probability,
        "uncertain": not prediction.sure,
        "truncated": prediction.truncated,
        "probabilities": dict(prediction.probabilities),
    }


def why_unsure(prediction: Prediction, *, uncertain_below: float) -> str:
    """The likeliest answer with its probability, and which one it would need."""
    if not prediction.probabilities:
        return NO_TEXT
    name, share = likeliest(prediction)
    found, needed = told_apart(share, uncertain_below, decimals=3)
    return f"{name}: {found} is below {needed}"


def likeliest(prediction: Prediction) -> tuple[str, float]:
    """What the threshold is compared with: the greatest probability, and whose it is; of several
    labels, that all are right. Of two labels the answer can be the other one, where the model has a
    threshold between the two."""
    if prediction.labels is not None and prediction.probability is not None:
        return prediction.label, prediction.probability
    return next(iter(prediction.probabilities.items()))


def told_apart(smaller: float, larger: float, *, decimals: int) -> tuple[str, str]:
    """Two unequal numbers with so many decimals, or as many as it takes to see that they are."""
    shown = f"{smaller:.{decimals}f}", f"{larger:.{decimals}f}"
    if shown[0] == shown[1] and smaller != larger:
        return told_apart(smaller, larger, decimals=decimals + 1)
    return shown
