"""What the page shows as HTML. Texts, labels and names may hold any characters, and are escaped
here, all of them."""

from __future__ import annotations

from html import escape

from finesweep.prediction import Classifier
from finesweep.prediction.wording import likeliest, told_apart
from finesweep.records import Prediction
from finesweep.serving.card import Card

EMPTY = "There is no text to read. Type one first, or take one of the examples."
FIELD = "dataset."
SET_ELSEWHERE = "The fields named here can be given to `finesweep predict --file`."
HALF = "One of the two texts is blank. Type both, or take one of the examples."


def heading(text: str) -> str:
    return f"<h1>{escape(text)}</h1>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def paragraphs(*texts: str) -> str:
    """One for each text about a file, and where its fields are set, if one is named."""
    named = any(FIELD in text for text in texts)
    return "".join(map(paragraph, [*texts, SET_ELSEWHERE] if named else texts))


def card(shown: Card) -> str:
    """The model's facts, one a line."""
    facts = [
        f"<li><b>{escape(name)}</b>: {escape(fact)}</li>" for name, fact in shown.facts.items()
    ]
    return f"<ul>{''.join(facts)}</ul>"


def answer(prediction: Prediction, classifier: Classifier) -> str:
    """The answer as a heading; what UNCERTAIN means where that is the answer; whether the text was
    cut."""
    parts = [f"<h2>{escape(prediction.answer)}</h2>"]
    if not prediction.probabilities:
        return parts[0] + paragraph(HALF if classifier.answering.pairs else EMPTY)
    if not prediction.sure:
        name, share = likeliest(prediction)
        least = classifier.answering.uncertain_below
        found, needed = told_apart(share, least, decimals=2)
        parts.append(
            f"<p>The likeliest answer, <b>{escape(name)}</b>, has a probability of {found}."
            f" Below {needed} no answer is given, because too many of those answers would be"
            " wrong.</p>"
        )
    if prediction.truncated:
        read = "both texts" if classifier.answering.pairs else "the text"
        told = f"Cut at {classifier.max_length} tokens: the model reads no more of {read}."
        parts.append(paragraph(told))
    return "".join(parts)
