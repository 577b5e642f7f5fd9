"""What `finesweep predict` is asked: texts, a file or lines, as tables of rows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, cast

from finesweep.errors import ConfigError, Problem

if TYPE_CHECKING:
    import io

    import pandas as pd

    from finesweep.config.schema import DatasetConfig
    from finesweep.dataset.reading.formats import Piece


def asked_pieces(given: argparse.Namespace, dataset: DatasetConfig) -> Iterator[Piece]:
    """What is to be classified, as tables of rows; dataset says how files are written, as far as
    the command line does. What was found by looking is said on standard error."""
    import pandas as pd

    from finesweep.dataset.reading.formats import Piece
    from finesweep.dataset.reading.inference_files import read_rows, with_joined_text
    from finesweep.dataset.reading.pieces import format_of
    from finesweep.dataset.reading.text_lines import bytes_problem, stream_lines
    from finesweep.dataset.validation import format_problems, raise_all

    if given.texts:
        yield Piece(pd.DataFrame({"text": _whole(given.texts)}), 1.0)
    elif given.file and str(given.file) != "-":
        raise_all(format_problems(dataset))
        columns = dataset.text_columns
        texts = tuple(columns or [given.text_column or "text"])
        for piece in read_rows(
            given.file,
            field="--file",
            encoding=given.encoding,
            file_format=replace(format_of(dataset), texts=texts, labels=()),
            on_note=partial(print, file=sys.stderr),
        ):
            yield replace(piece, rows=with_joined_text(piece.rows, columns))
    elif given.file or not sys.stdin.isatty():
        try:
            stream = cast("io.BufferedReader", sys.stdin.buffer)
            for rows in stream_lines(stream, encoding=given.encoding):
                yield Piece(rows, 0.0)
        except UnicodeDecodeError as error:
            problem = bytes_problem(error, "--encoding=")
            raise ConfigError(Problem("standard input", problem)) from error


def check_encoding(given: str) -> None:
    """ConfigError when --encoding names none that Python knows for texts."""
    try:
        "".encode(given)
    except (LookupError, ValueError):
        told = f"Python knows no encoding {given!r}; utf-8, utf-16, cp1252 and latin-1 are usual"
        raise ConfigError(Problem("--encoding", told)) from None


def _whole(texts: Sequence[str]) -> Sequence[str]:
    """The texts; ConfigError when one has bytes that are no characters."""
    for place, text in enumerate(texts, 1):
        try:
            text.encode()
        except UnicodeEncodeError:
            told = f"the {place}. text has bytes that are not UTF-8; give them with --file"
            raise ConfigError(Problem("TEXT", f"{told} and --encoding=")) from None
    return texts


def paired_pieces(
    pieces: Iterator[Piece], given: argparse.Namespace, *, first_column: str
) -> tuple[Iterator[Piece], str]:
    """The same as a model of pairs takes them, and the name of the column of second texts."""
    from finesweep.dataset.reading.formats import Piece
    from finesweep.dataset.reading.inference_files import pair_column

    paired = (Piece(_paired(piece.rows, given), piece.share) for piece in pieces)
    first = next(paired)
    column = pair_column(first.rows, given.pair_column, first=first_column, option="--pair-column")
    return chain([first], paired), column


def _paired(rows: pd.DataFrame, given: argparse.Namespace) -> pd.DataFrame:
    from finesweep.dataset.reading.inference_files import pairs_from_arguments, split_pairs

    if given.texts:
        return pairs_from_arguments(given.texts, field="TEXT")
    path = None if given.file is None or str(given.file) == "-" else given.file
    return split_pairs(rows, path, field="standard input" if path is None else "--file")
