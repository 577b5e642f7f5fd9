"""One loaded model, asked by many: one question at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import pandas as pd

from finesweep.dataset.unlabelled import pair_column, paired_rows, read_rows, text_column
from finesweep.prediction import Classifier
from finesweep.prediction.attribution import Span, attribute
from finesweep.prediction.rows import answer_rows
from finesweep.prediction.sinks import written
from finesweep.records import Prediction
from finesweep.serving.card import Card

N_PREVIEWED = 20
FILE = "the file"
"""As errors name it."""


@dataclass(frozen=True)
class Service:
    """What page and endpoint ask. A lock keeps questions apart: torch uses all cores for one.

    Where the model reads pairs, texts are pairs, joined as `finesweep.pairs` does.
    """

    classifier: Classifier
    card: Card
    lock: Lock = field(default_factory=Lock)

    @property
    def reads_pairs(self) -> bool:
        return self.classifier.answering.pairs

    def answers(
        self, texts: Sequence[str], *, uncertain_below: float | None = None
    ) -> list[Prediction]:
        """One for each text, in order."""
        with self.lock:
            return list(self.classifier.predict(texts, uncertain_below=uncertain_below))

    def explained(self, text: str) -> tuple[Prediction, list[Span]]:
        """The answer, and which words it rests on; of several labels, which the likeliest does."""
        with self.lock:
            (prediction,) = self.classifier.predict([text])
            likeliest = next(iter(prediction.probabilities))
            label = likeliest if self.classifier.multi_label else prediction.label
            return prediction, attribute(self.classifier, text, label)

    def answer_file(self, path: Path) -> tuple[Path, pd.DataFrame, int]:
        """A CSV file with the answers to another file's rows, its first rows, and their number.

        ConfigError when the file cannot be read, or has no pairs for a model that reads these.
        """
        output = Path(tempfile.mkdtemp(prefix="finesweep-")) / f"{path.stem}-answered.csv"
        columns, n_rows, preview = None, 0, pd.DataFrame()
        with written(output, option="the answers") as write:
            for piece in read_rows(path, field=FILE, encoding="utf-8"):
                rows = paired_rows(piece.rows, path, field=FILE) if self.reads_pairs else piece.rows
                columns = columns or self._columns(rows)
                with self.lock:
                    table = answer_rows(
                        self.classifier, rows, column=columns[0], pair_column=columns[1]
                    )
                write(table)
                preview = table.head(N_PREVIEWED) if not n_rows else preview
                n_rows += len(table)
        return output, preview, n_rows

    def _columns(self, rows: pd.DataFrame) -> tuple[str, str | None]:
        """The column of the texts, and that of the second ones where the model reads pairs."""
        column = text_column(rows, None, option=FILE)
        if not self.reads_pairs:
            return column, None
        return column, pair_column(rows, None, first=column, option=FILE)
