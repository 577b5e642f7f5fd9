"""What `finesweep predict` says of its answers: a line for each, and once what holds for many."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finesweep.pairs import PAIR
from finesweep.records import UNCERTAIN, Prediction
from finesweep.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from finesweep.prediction import Classifier

Answered = tuple["pd.DataFrame", list[Prediction]]
"""Rows, and a prediction for each."""
N_LISTED = 8
"""Labels in a line on screen, the likeliest; --json has all."""
WIDEST = 16
BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that end a line, or steer a terminal."""
DECIMALS = 6


@dataclass
class Tally:
    """What is to be said once of all answers."""

    n_texts: int = 0
    n_unsure: int = 0
    n_empty: int = 0
    """Of the unsure, those without a text."""
    n_truncated: int = 0

    def counting(self, answered: Iterator[Answered]) -> Iterator[Answered]:
        """The same, counted as it passes."""
        for rows, predictions in answered:
            self.n_texts += len(predictions)
            self.n_unsure += sum(not each.sure for each in predictions)
            self.n_empty += sum(not each.probabilities for each in predictions)
            self.n_truncated += sum(each.truncated for each in predictions)
            yield rows, predictions

    def remarks(self, classifier: Classifier, threshold: float | None) -> list[str]:
        """Why answers are UNCERTAIN, and what was not read; threshold is one that was given."""
        least = classifier.decision_rule.uncertain_below
        whose = "the model's own threshold" if threshold is None else "as --threshold says"
        what = "the whole answer's" if classifier.multi_label else "the likeliest label's"
        below = self.n_unsure - self.n_empty
        texts = counted(self.n_texts, "text")
        remarks = {
            f"{below:,} of {texts} {UNCERTAIN}: {what} probability is below {least:.4g}, {whose};"
            " --threshold 0 answers all": below,
            f"{self.n_empty:,} of {texts} {UNCERTAIN}: nothing there to read": self.n_empty,
            f"{self.n_truncated:,} of {texts} cut at {classifier.max_length} tokens, which is what"
            " the model reads": self.n_truncated,
        }
        return [remark for remark, count in remarks.items() if count]


def screen_line(texts: Sequence[Any], prediction: Prediction, classifier: Classifier) -> str:
    """The answer, the likeliest labels with their probabilities, and the text, on one line."""
    from finesweep.prediction.wording import why_uncertain

    width = min(WIDEST, max(map(len, classifier.label_names)))
    ranked = list(prediction.probabilities.items())
    cells = [f"{name + ':':<{width + 1}} {share:.3f}" for name, share in ranked[:N_LISTED]]
    if not prediction.sure:
        why = why_uncertain(prediction, uncertain_below=classifier.decision_rule.uncertain_below)
        cells[: 0 if classifier.multi_label else 1] = [why]
    if len(ranked) > N_LISTED:
        cells.append(f"and {len(ranked) - N_LISTED} more")
    head = f"{prediction.answer:<{max(len(UNCERTAIN), width)}}"
    note = [f"[cut at {classifier.max_length} tokens]"] if prediction.truncated else []
    shown = PAIR.join(_shown(text) or "" for text in texts)
    return BREAKING.sub(_escaped, "   ".join([head, "  ".join(cells), *note, shown]))


def json_line(texts: Sequence[Any], prediction: Prediction, classifier: Classifier) -> str:
    """The same as a JSON object, and the threshold and length that the model was asked with."""
    from finesweep.prediction.wording import prediction_json

    told = prediction_json(prediction)
    shares = {name: round(share, DECIMALS) for name, share in told.pop("probabilities").items()}
    if prediction.probability is not None:
        told["probability"] = round(prediction.probability, DECIMALS)
    asked = {
        "threshold": classifier.decision_rule.uncertain_below,
        "max_length": classifier.max_length,
    }
    # Not strict: only models of pairs have a second text.
    named = zip(("text", "pair"), map(_shown, texts), strict=False)
    line = json.dumps({**dict(named), **told, **asked, "probabilities": shares}, ensure_ascii=False)
    # JSON allows U+2028 in a string, but many readers of lines take it for an end.
    return BREAKING.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


def _shown(text: Any) -> str | None:
    """The text as the model was asked it; None where there is none."""
    missing = text is None or text != text  # NaN
    return None if missing else str(text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
