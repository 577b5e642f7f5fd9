"""One loaded model for many clients."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from finesweep.dataset.reading.inference_files import (
    pair_column,
    read_rows,
    split_pairs,
    text_column,
)
from finesweep.errors import ConfigError, Problem
from finesweep.pairs import split_pair
from finesweep.prediction import Classifier
from finesweep.prediction.tables import predict_table
from finesweep.prediction.writers import open_writer
from finesweep.records import Prediction, Span
from finesweep.serving.card import Card
from finesweep.serving.turns import Turns, split_turns

N_PREVIEWED = 20
N_SHOWN = 40
MAX_TEXT_CHARACTERS = 100_000
"""About fifty pages."""
MAX_SIDE_CHARACTERS = 2_000
CHARACTERS_PER_TOKEN = 40
"""The limit of each text of a pair, if this is more for the model's tokens: tokenizers truncate a
pair in a time quadratic in the excess."""
FILE = "the file"
"""Its name in errors."""
ANSWERED = "classify.csv"
DAY = 86_400
"""Seconds that a file of predictions is kept."""


@dataclass(frozen=True)
class PredictedFile:
    """A classified file."""

    output: Path
    """CSV file of the rows with predictions."""
    preview: pd.DataFrame
    """Its first rows."""
    n_rows: int
    notes: tuple[str, ...]
    """How the file was read, and what was left out."""


@dataclass(frozen=True)
class Service:
    """The model behind page and API; large requests let others in between.

    For a model of pairs, texts are pairs, joined by `finesweep.pairs`; None is a missing text.
    """

    classifier: Classifier
    card: Card
    folder: Path
    """Temporary folder for files of predictions."""
    turns: Turns = field(default_factory=Turns)

    @property
    def reads_pairs(self) -> bool:
        return self.classifier.decision_rule.pairs

    @property
    def label_names(self) -> list[str]:
        return self.classifier.label_names

    @property
    def multi_label(self) -> bool:
        return self.classifier.multi_label

    def length_problem(self, text: str) -> str | None:
        """The end of a sentence about a text, or one of a pair, that is too long; else None."""
        limit = MAX_TEXT_CHARACTERS
        if self.reads_pairs:
            limit = max(MAX_SIDE_CHARACTERS, CHARACTERS_PER_TOKEN * self.classifier.max_length)
        if len(text) <= limit:
            return None
        return f"is longer than {limit:,} characters, which is the limit here"

    def predict(
        self, texts: Sequence[str | None], *, uncertain_below: float | None = None
    ) -> list[Prediction]:
        """One prediction per text, in order; ConfigError when a text is too long."""
        predictions: dict[int, Prediction] = {}
        for indices, job in self._jobs(texts, uncertain_below):
            predictions.update(zip(indices, self.turns.run(job), strict=True))
        return [predictions[index] for index in range(len(texts))]

    async def predict_async(
        self, texts: Sequence[str | None], *, uncertain_below: float | None = None
    ) -> list[Prediction]:
        """The same, without blocking a thread."""
        predictions: dict[int, Prediction] = {}
        for indices, job in self._jobs(texts, uncertain_below):
            predictions.update(zip(indices, await self.turns.run_async(job), strict=True))
        return [predictions[index] for index in range(len(texts))]

    def explain(self, text: str | None) -> tuple[Prediction, list[Span]]:
        """The prediction, and each word's contribution to it, or to the most likely of several
        labels; no words for an ONNX model, which has no gradients."""
        return self.turns.run(partial(self._explain, text))

    def predict_file(self, path: Path) -> PredictedFile:
        """The predictions for a file's rows.

        ConfigError when the file cannot be read, or has no pairs for a model of pairs.
        """
        notes: list[str] = []
        columns, n_rows, preview = None, 0, pd.DataFrame()
        with self._output() as output, open_writer(output, option="the predictions") as write:
            for piece in read_rows(path, field=FILE, encoding="utf-8", on_note=notes.append):
                rows = split_pairs(piece.rows, path, field=FILE) if self.reads_pairs else piece.rows
                columns = columns or self._columns(rows)
                table = predict_table(self, rows, column=columns[0], pair_column=columns[1])
                write(table)
                preview = table.head(N_PREVIEWED) if not n_rows else preview
                n_rows += len(table)
        return PredictedFile(output, preview, n_rows, tuple(dict.fromkeys(notes)))

    @contextmanager
    def _output(self) -> Iterator[Path]:
        """A path for predictions, in a folder of its own, which an error in the block removes.

        Removes the predictions that are older than DAY.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)  # some systems clear unused temporary folders
        for folder in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another request removed it
                if time.time() - folder.stat().st_mtime > DAY:
                    shutil.rmtree(folder)
        own = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            # A fixed name: the user's file name plus a suffix could be too long.
            yield own / ANSWERED
        except BaseException:
            shutil.rmtree(own)
            raise

    def _jobs(
        self, texts: Sequence[str | None], uncertain_below: float | None
    ) -> Iterator[tuple[list[int], Callable[[], list[Prediction]]]]:
        """For each turn the indices of its texts, and a function that classifies them; ConfigError
        before the first turn when a text is too long."""
        for text in texts:
            for part in split_pair(text) if text and self.reads_pairs else [text or ""]:
                if problem := self.length_problem(part):
                    raise ConfigError(Problem(FILE, f"the text {part[:N_SHOWN]!r}… {problem}"))

        def classify(turn_texts: Sequence[str | None]) -> list[Prediction]:
            return list(self.classifier.predict(turn_texts, uncertain_below=uncertain_below))

        for indices in split_turns(texts):
            yield indices, partial(classify, [texts[index] for index in indices])

    def _explain(self, text: str | None) -> tuple[Prediction, list[Span]]:
        (prediction,) = self.classifier.predict([text])
        if text is None or not prediction.probabilities or not self.classifier.has_gradients:
            return prediction, []
        from finesweep.prediction.attribution import attribute  # loads torch

        likeliest = next(iter(prediction.probabilities))
        label = likeliest if self.classifier.multi_label else prediction.label
        return prediction, attribute(self.classifier, text, label)

    def _columns(self, rows: pd.DataFrame) -> tuple[str, str | None]:
        """The column of the texts, and of the second texts for a model of pairs."""
        column = text_column(rows, None, option=FILE)
        if not self.reads_pairs:
            return column, None
        return column, pair_column(rows, None, first=column, option=FILE)
