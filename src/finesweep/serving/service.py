"""One loaded model, asked by many."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
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
from finesweep.pairs import sides
from finesweep.prediction import Classifier
from finesweep.prediction.attribution import Span, attribute
from finesweep.prediction.tables import answer_rows
from finesweep.prediction.writers import written
from finesweep.records import Prediction
from finesweep.serving.card import Card
from finesweep.serving.turns import Turns, shared_out

N_PREVIEWED = 20
N_SHOWN = 40
LONGEST_TEXT = 100_000
"""Characters: some fifty pages."""
LONGEST_SIDE = 2_000
CHARACTERS_A_TOKEN = 40
"""Of each text of a pair, and more where the model reads more tokens: tokenizers cut a pair in a
time that grows with the square of what is cut off."""
FILE = "the file"
"""As errors name it."""
ANSWERED = "answered.csv"


@dataclass(frozen=True)
class AnsweredFile:
    """What became of a file of texts."""

    output: Path
    """A CSV file with the answers beside the rows."""
    preview: pd.DataFrame
    """Its first rows."""
    n_rows: int
    notes: tuple[str, ...]
    """What was found by looking at the file that was read, and what was left out of it."""


@dataclass(frozen=True)
class Service:
    """What page and endpoint ask; whoever asks much lets others in between.

    Where the model reads pairs, texts are pairs, joined as `finesweep.pairs` does; a text that is
    None is missing.
    """

    classifier: Classifier
    card: Card
    turns: Turns = field(default_factory=Turns)

    @property
    def reads_pairs(self) -> bool:
        return self.classifier.answering.pairs

    @property
    def label_names(self) -> list[str]:
        return self.classifier.label_names

    @property
    def multi_label(self) -> bool:
        return self.classifier.multi_label

    def length_problem(self, text: str) -> str | None:
        """What to say of a text, or a side of a pair, that is too long to be answered; or None."""
        longest = LONGEST_TEXT
        if self.reads_pairs:
            longest = max(LONGEST_SIDE, CHARACTERS_A_TOKEN * self.classifier.max_length)
        if len(text) <= longest:
            return None
        return f"is longer than {longest:,} characters, which is the limit here"

    def predict(
        self, texts: Sequence[str | None], *, uncertain_below: float | None = None
    ) -> list[Prediction]:
        """One for each text, in order; ConfigError when one is too long."""
        made: dict[int, Prediction] = {}
        for places, job in self._jobs(texts, uncertain_below):
            made.update(zip(places, self.turns.take(job), strict=True))
        return [made[place] for place in range(len(texts))]

    async def answers(
        self, texts: Sequence[str | None], *, uncertain_below: float | None = None
    ) -> list[Prediction]:
        """The same, while no thread waits."""
        made: dict[int, Prediction] = {}
        for places, job in self._jobs(texts, uncertain_below):
            made.update(zip(places, await self.turns.awaited(job), strict=True))
        return [made[place] for place in range(len(texts))]

    def explained(self, text: str | None) -> tuple[Prediction, list[Span]]:
        """The answer, and which words it rests on; of several labels, which the likeliest does."""
        return self.turns.take(partial(self._explained, text))

    def answer_file(self, path: Path) -> AnsweredFile:
        """The answers to a file's rows.

        ConfigError when the file cannot be read, or has no pairs for a model that reads these.
        """
        notes: list[str] = []
        # The user's name of the file could be too long for another one, so it has its own.
        output = Path(tempfile.mkdtemp(prefix="finesweep-")) / ANSWERED
        columns, n_rows, preview = None, 0, pd.DataFrame()
        with written(output, option="the answers") as write:
            for piece in read_rows(path, field=FILE, encoding="utf-8", say=notes.append):
                rows = split_pairs(piece.rows, path, field=FILE) if self.reads_pairs else piece.rows
                columns = columns or self._columns(rows)
                table = answer_rows(self, rows, column=columns[0], pair_column=columns[1])
                write(table)
                preview = table.head(N_PREVIEWED) if not n_rows else preview
                n_rows += len(table)
        return AnsweredFile(output, preview, n_rows, tuple(dict.fromkeys(notes)))

    def _jobs(
        self, texts: Sequence[str | None], uncertain_below: float | None
    ) -> Iterator[tuple[list[int], Callable[[], list[Prediction]]]]:
        """For each turn the places of its texts, and what answers these; ConfigError before the
        first when a text is too long."""
        for text in texts:
            for part in sides(text) if text and self.reads_pairs else [text or ""]:
                if problem := self.length_problem(part):
                    raise ConfigError(Problem(FILE, f"the text {part[:N_SHOWN]!r}… {problem}"))

        def answered(some: Sequence[str | None]) -> list[Prediction]:
            return list(self.classifier.predict(some, uncertain_below=uncertain_below))

        for places in shared_out(texts):
            yield places, partial(answered, [texts[place] for place in places])

    def _explained(self, text: str | None) -> tuple[Prediction, list[Span]]:
        (prediction,) = self.classifier.predict([text])
        if text is None or not prediction.probabilities:
            return prediction, []
        likeliest = next(iter(prediction.probabilities))
        label = likeliest if self.classifier.multi_label else prediction.label
        return prediction, attribute(self.classifier, text, label)

    def _columns(self, rows: pd.DataFrame) -> tuple[str, str | None]:
        """The column of the texts, and that of the second ones where the model reads pairs."""
        column = text_column(rows, None, option=FILE)
        if not self.reads_pairs:
            return column, None
        return column, pair_column(rows, None, first=column, option=FILE)
