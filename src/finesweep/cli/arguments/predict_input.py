"""The input of `finesweep predict`: texts, a file or lines of stdin, as tables of rows."""

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


def input_pieces(args: argparse.Namespace, dataset: DatasetConfig) -> Iterator[Piece]:
    """The input as tables of rows. dataset holds the format options of the command line; what is
    detected in the file is printed on stderr."""
    import pandas as pd

    from finesweep.dataset.reading.formats import Piece
    from finesweep.dataset.reading.inference_files import read_rows, with_joined_text
    from finesweep.dataset.reading.pieces import format_of
    from finesweep.dataset.reading.text_lines import bytes_problem, stream_lines
    from finesweep.dataset.validation import format_problems, raise_all

    if args.texts:
        yield Piece(pd.DataFrame({"text": _valid_texts(args.texts)}), 1.0)
    elif args.file and str(args.file) != "-":
        raise_all(format_problems(dataset))
        columns = dataset.text_columns
        texts = tuple(columns or [args.text_column or "text"])
        for piece in read_rows(
            args.file,
            field="--file",
            encoding=args.encoding,
            file_format=replace(format_of(dataset), texts=texts, labels=()),
            on_note=partial(print, file=sys.stderr),
        ):
            yield replace(piece, rows=with_joined_text(piece.rows, columns))
    elif args.file or not sys.stdin.isatty():
        try:
            stream = cast("io.BufferedReader", sys.stdin.buffer)
            for rows in stream_lines(stream, replace(format_of(dataset), encoding=args.encoding)):
                yield Piece(rows, 0.0)
        except UnicodeDecodeError as error:
            problem = bytes_problem(error, "--encoding=")
            raise ConfigError(Problem("standard input", problem)) from error


def check_encoding(encoding: str) -> None:
    """ConfigError if Python has no text encoding of this name."""
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        message = f"unknown encoding {encoding!r}; try utf-8, utf-16, cp1252 or latin-1"
        raise ConfigError(Problem("--encoding", message)) from None


def _valid_texts(texts: Sequence[str]) -> Sequence[str]:
    """The texts; ConfigError if one is not valid UTF-8."""
    for position, text in enumerate(texts, 1):
        try:
            text.encode()
        except UnicodeEncodeError:
            message = f"text {position} is not valid UTF-8; use --file and --encoding instead"
            raise ConfigError(Problem("TEXT", message)) from None
    return texts


def paired_pieces(
    pieces: Iterator[Piece], args: argparse.Namespace, *, first_column: str
) -> tuple[Iterator[Piece], str]:
    """The pieces as input of a text-pair model, and the name of the column of second texts."""
    from finesweep.dataset.reading.formats import Piece
    from finesweep.dataset.reading.inference_files import pair_column

    paired = (Piece(_paired(piece.rows, args), piece.share) for piece in pieces)
    first = next(paired)
    column = pair_column(first.rows, args.pair_column, first=first_column, option="--pair-column")
    return chain([first], paired), column


def _paired(rows: pd.DataFrame, args: argparse.Namespace) -> pd.DataFrame:
    from finesweep.dataset.reading.inference_files import pairs_from_arguments, split_pairs

    if args.texts:
        return pairs_from_arguments(args.texts, field="TEXT")
    path = None if args.file is None or str(args.file) == "-" else args.file
    return split_pairs(rows, path, field="standard input" if path is None else "--file")
