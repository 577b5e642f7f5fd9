"""The output of `finesweep predict`: a line per prediction, and remarks at the end."""

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

PredictedRows = tuple["pd.DataFrame", list[Prediction]]
"""Rows with one prediction per row."""
MAX_LABELS = 8
"""Labels in a line on screen, the most likely first; --json has all."""
MAX_LABEL_WIDTH = 16
BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that end a line or control the terminal."""
DECIMALS = 6


@dataclass
class Tally:
    """Counts over all predictions, for the remarks at the end."""

    n_texts: int = 0
    n_uncertain: int = 0
    n_empty: int = 0
    """Number of uncertain predictions whose text is empty."""
    n_truncated: int = 0

    def count(self, batches: Iterator[PredictedRows]) -> Iterator[PredictedRows]:
        """The batches unchanged, counted as they pass."""
        for rows, predictions in batches:
            self.n_texts += len(predictions)
            self.n_uncertain += sum(not each.sure for each in predictions)
            self.n_empty += sum(not each.probabilities for each in predictions)
            self.n_truncated += sum(each.truncated for each in predictions)
            yield rows, predictions

    def remarks(self, classifier: Classifier, threshold: float | None) -> list[str]:
        """How many predictions are UNCERTAIN and why, and how many texts are truncated; threshold
        is the value of --threshold."""
        minimum = classifier.decision_rule.uncertain_below
        source = "the model's own threshold" if threshold is None else "the value of --threshold"
        subject = "of the whole label set" if classifier.multi_label else "of the label"
        n_below = self.n_uncertain - self.n_empty
        texts = counted(self.n_texts, "text")
        remarks = {
            f"{n_below:,} of {texts} {UNCERTAIN}: the probability {subject} is below {minimum:.4g},"
            f" {source}; --threshold 0 predicts all": n_below,
            f"{self.n_empty:,} of {texts} {UNCERTAIN}: empty text": self.n_empty,
            f"{self.n_truncated:,} of {texts} truncated to {classifier.max_length} tokens, the"
            " model's max_length": self.n_truncated,
        }
        return [remark for remark, count in remarks.items() if count]


def screen_line(texts: Sequence[Any], prediction: Prediction, classifier: Classifier) -> str:
    """The prediction, the top labels with their probabilities, and the text, on one line."""
    from finesweep.prediction.wording import why_uncertain

    width = min(MAX_LABEL_WIDTH, max(map(len, classifier.label_names)))
    ranked = list(prediction.probabilities.items())
    told, reasons = None, []
    if not prediction.sure:
        minimum = classifier.decision_rule.uncertain_below
        reasons.append(why_uncertain(prediction, uncertain_below=minimum))
        told = None if classifier.multi_label else prediction.label
    cells = reasons + [
        f"{name + ':':<{width + 1}} {probability:.3f}"
        for name, probability in ranked[:MAX_LABELS]
        if name != told
    ]
    if len(ranked) > MAX_LABELS:
        cells.append(f"and {len(ranked) - MAX_LABELS} more")
    head = f"{prediction.answer:<{max(len(UNCERTAIN), width)}}"
    note = [f"[truncated to {classifier.max_length} tokens]"] if prediction.truncated else []
    text = PAIR.join(_text(part) or "" for part in texts)
    return BREAKING.sub(_escaped, "   ".join([head, "  ".join(cells), *note, text]))


def json_line(texts: Sequence[Any], prediction: Prediction, classifier: Classifier) -> str:
    """The prediction as one line of JSON, with the threshold and max_length that were used."""
    from finesweep.prediction.wording import prediction_json

    fields = prediction_json(prediction)
    probabilities = {name: round(p, DECIMALS) for name, p in fields.pop("probabilities").items()}
    if prediction.probability is not None:
        fields["probability"] = round(prediction.probability, DECIMALS)
    options = {
        "threshold": classifier.decision_rule.uncertain_below,
        "max_length": classifier.max_length,
    }
    # Not strict: only text-pair models have a second text.
    named = zip(("text", "pair"), map(_text, texts), strict=False)
    record = {**dict(named), **fields, **options, "probabilities": probabilities}
    line = json.dumps(record, ensure_ascii=False)
    # JSON allows U+2028 in a string, but many line readers split there.
    return BREAKING.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


def _text(value: Any) -> str | None:
    """The text as the model reads it; None if it is missing."""
    missing = value is None or value != value  # NaN
    return None if missing else str(value)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
