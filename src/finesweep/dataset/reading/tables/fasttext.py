"""fastText's training files: a text per line, with labels as words that start with `__label__`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import pandas as pd

from finesweep.dataset.reading.encodings import detect_encoding, note_replaced_characters, open_text
from finesweep.dataset.reading.pieces import Piece, TableFile

PREFIX = "__label__"
LABEL = re.compile(rf"(?:(?<=\s)|^){PREFIX}(\S*)")


def read_fasttext(file: TableFile, n_rows: int) -> Iterator[Piece]:
    """A text and its list of labels for each non-blank line; without a label, the list is
    missing."""
    file.note(f"fastText, as its first line starts with {PREFIX}")
    encoding, formats = detect_encoding(file), file.format
    names = formats.texts[0], formats.labels[0] if len(formats.labels) == 1 else "label"
    note_replaced_characters(file, encoding)
    with open_text(file, encoding) as (text, share_read):
        lines = (line for line in text if line.strip())
        while chunk := list(islice(lines, n_rows)):
            labels = [LABEL.findall(line) or None for line in chunk]
            texts = [" ".join(LABEL.sub(" ", line).split()) for line in chunk]
            rows = pd.DataFrame({names[0]: texts, names[1]: pd.Series(labels, dtype=object)})
            yield Piece(rows, share_read())
