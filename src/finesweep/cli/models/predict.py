"""`finesweep predict --model URI (TEXT… | --file FILE)`: labels and probabilities."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from finesweep.api.model_uri import check_model_uri
from finesweep.cli import check_threshold, parser
from finesweep.cli.arguments.predict_input import check_encoding, input_pieces, paired_pieces
from finesweep.cli.screens.predictions import PredictedRows, Tally, json_line, screen_line
from finesweep.cli.startup import collector
from finesweep.config import compose
from finesweep.errors import ConfigError, Problem
from finesweep.records import UNCERTAIN

if TYPE_CHECKING:
    import pandas as pd

    from finesweep.dataset.reading.formats import Piece
    from finesweep.prediction import Classifier

EXAMPLES = """
examples:
  finesweep predict --model models:/tweets-sentiment@challenger "what a day"
  finesweep predict --model models:/tweets-sentiment/1 --threshold 0.8 --json < texts.txt
  finesweep predict --model models:/tweets-sentiment@champion --file in.csv --output out.csv
"""
OVERRIDE = re.compile(r"(tracking|dataset)\.\w+=")
"""An argument that is an override, not a text."""


def run(arguments: Sequence[str]) -> int:
    args = _parsed(arguments)
    config = compose(args.overrides).config

    from finesweep.cli.startup.quiet import silence_libraries

    silence_libraries()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A character that the terminal cannot show must not lose a prediction.
        sys.stdout.reconfigure(errors="backslashreplace")
    pieces = input_pieces(args, config.dataset)
    # Before the model is loaded: problems with the file are reported at once.
    first = next(pieces, None)
    if first is None:
        message = "nothing to classify; pass texts, --file, or lines on stdin"
        raise ConfigError(Problem("TEXT", message))

    from finesweep.dataset.reading.inference_files import joined_name, text_column

    name = joined_name(config.dataset.text_columns) or args.text_column
    column = text_column(first.rows, name, option="--text-column")

    check_model_uri(args.model, tracking_uri=config.tracking.uri)

    from finesweep.prediction import load_classifier
    from finesweep.prediction.tables import check_columns

    classifier = load_classifier(args.model, tracking_uri=config.tracking.uri)
    collector.resume()
    if args.threshold is not None:
        classifier = classifier.uncertain_below(args.threshold)
    pieces, second = chain([first], pieces), None
    if classifier.decision_rule.pairs:
        pieces, second = paired_pieces(pieces, args, first_column=column)
    elif args.pair_column:
        message = f"{args.model} takes single texts, not pairs; omit it"
        raise ConfigError(Problem("--pair-column", message))
    if args.output:
        check_columns(first.rows, classifier)
    tally = Tally()
    tables = _with_progress(pieces, args)
    batches = tally.count(_predicted(tables, classifier, column, second))
    if args.output:
        _write(batches, classifier, args.output, tally)
    else:
        _print(batches, classifier, [column] if second is None else [column, second], args.json)
    if not args.json:
        for remark in tally.remarks(classifier, args.threshold):
            print(remark, file=sys.stderr)
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    cli = parser("predict", "--model URI (TEXT… | --file FILE | < FILE) [OPTIONS]")
    cli.epilog = EXAMPLES
    cli.add_argument("--model", required=True, metavar="URI", help="models:/…, runs:/… or a folder")
    cli.add_argument(
        "texts", nargs="*", metavar="TEXT", help="a text, or two per pair; or tracking.uri=…"
    )
    cli.add_argument(
        "--file",
        type=Path,
        help="a table (.csv, .jsonl, .xlsx, .parquet …; dataset.separator=, .quoting=, .columns= …"
        " set its format), or a text file with one text per line (a pair: two, separated by a tab);"
        " - is stdin",
    )
    cli.add_argument("--text-column", metavar="NAME", help="column of texts (default: text)")
    cli.add_argument(
        "--pair-column", metavar="NAME", help="column of the second texts of pairs (default: pair)"
    )
    cli.add_argument("--encoding", default="utf-8", help="encoding of the file (default: utf-8)")
    cli.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the rows with their predictions: .csv, .jsonl or .parquet",
    )
    cli.add_argument(
        "--threshold",
        type=float,
        help=f"below this probability a prediction is {UNCERTAIN} (default: the model's own)",
    )
    cli.add_argument("--json", action="store_true", help="print one JSON object per text")
    args = cli.parse_intermixed_args(list(arguments))
    args.overrides = [text for text in args.texts if OVERRIDE.match(text)]
    args.texts = [text for text in args.texts if text not in args.overrides]
    check_threshold(args.threshold)
    check_encoding(args.encoding)
    if args.texts and args.file:
        raise ConfigError(Problem("--file", "cannot be combined with texts; pass one or the other"))
    return args


def _with_progress(pieces: Iterator[Piece], args: argparse.Namespace) -> Iterator[pd.DataFrame]:
    """The rows of each piece; moves a progress bar on a terminal."""
    from rich.progress import Progress

    from finesweep.api.console import screen

    console = screen(stderr=True)
    is_shown = args.file and console.is_terminal and (args.output or not sys.stdout.isatty())
    with Progress(console=console, transient=True, disable=not is_shown) as bar:
        task, n_rows = bar.add_task("", total=1.0), 0
        for piece in pieces:
            yield piece.rows
            n_rows += len(piece.rows)
            bar.update(task, completed=piece.share, description=f"{n_rows:,} rows")


def _predicted(
    tables: Iterator[pd.DataFrame], classifier: Classifier, column: str, pair_column: str | None
) -> Iterator[PredictedRows]:
    """The rows of each table with one prediction per row."""
    from finesweep.prediction.tables import input_texts

    for rows in tables:
        texts = input_texts(rows, column=column, pair_column=pair_column)
        yield rows, list(classifier.predict(texts))


def _write(
    batches: Iterator[PredictedRows], classifier: Classifier, output: Path, tally: Tally
) -> None:
    from finesweep.prediction.tables import with_predictions
    from finesweep.prediction.writers import open_writer

    with open_writer(output, option="--output") as write:
        for rows, predictions in batches:
            write(with_predictions(rows, predictions, classifier))
    print(f"{output}: {tally.n_texts:,} rows, {tally.n_uncertain:,} of them {UNCERTAIN}")


def _print(
    batches: Iterator[PredictedRows], classifier: Classifier, columns: Sequence[str], as_json: bool
) -> None:
    line = json_line if as_json else screen_line
    for rows, predictions in batches:
        texts = rows[list(columns)].itertuples(index=False, name=None)
        for row, prediction in zip(texts, predictions, strict=True):
            print(line(row, prediction, classifier))
        sys.stdout.flush()
