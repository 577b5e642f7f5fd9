"""The page's HTML. Texts, labels and names may contain any characters; all are escaped here."""

from __future__ import annotations

from html import escape

from finesweep.prediction import Classifier
from finesweep.prediction.wording import distinct_decimals
from finesweep.records import Prediction
from finesweep.serving.card import Card

EMPTY = "There is no text. Type one first, or choose an example."
FIELD = "dataset."
SET_ELSEWHERE = "The fields named here are options of `finesweep predict --file`."
HALF = "One of the two texts is blank. Type both, or choose an example."


def heading(text: str) -> str:
    return f"<h1>{escape(text)}</h1>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def paragraphs(*texts: str) -> str:
    """One paragraph per text about a file, and a hint if a text names a field."""
    named = any(FIELD in text for text in texts)
    return "".join(map(paragraph, [*texts, SET_ELSEWHERE] if named else texts))


def card(model_card: Card) -> str:
    """The model's facts, one per line."""
    facts = [
        f"<li><b>{escape(name)}</b>: {escape(fact)}</li>" for name, fact in model_card.facts.items()
    ]
    return f"<ul>{''.join(facts)}</ul>"


def answer(prediction: Prediction, classifier: Classifier) -> str:
    """The prediction as a heading; an explanation of UNCERTAIN if needed; whether the text was
    truncated."""
    parts = [f"<h2>{escape(prediction.answer)}</h2>"]
    if prediction.probability is None:
        return parts[0] + paragraph(HALF if classifier.decision_rule.pairs else EMPTY)
    if not prediction.sure:
        minimum = classifier.decision_rule.uncertain_below
        actual, needed = distinct_decimals(prediction.probability, minimum, decimals=2)
        parts.append(
            f"<p>The prediction, <b>{escape(prediction.label)}</b>, has a probability of {actual}."
            f" Below {needed} the model is not certain: too many of these predictions would be"
            " wrong.</p>"
        )
    if prediction.truncated:
        unit = "both texts" if classifier.decision_rule.pairs else "a text"
        message = (
            f"Truncated to {classifier.max_length} tokens, the maximum of the model for {unit}."
        )
        parts.append(paragraph(message))
    return "".join(parts)
