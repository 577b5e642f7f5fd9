"""`finesweep predict --model URI TEXT… / --file F`: labels and probabilities."""

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
from finesweep.cli.arguments.predict_input import asked_pieces, check_encoding, paired_pieces
from finesweep.cli.screens.predictions import Answered, Tally, json_line, screen_line
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
"""What is no text to be answered."""


def run(arguments: Sequence[str]) -> int:
    given = _parsed(arguments)
    config = compose(given.overrides).config

    from finesweep.cli.startup.quiet import silence_libraries

    silence_libraries()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character is no reason to lose the answer.
        sys.stdout.reconfigure(errors="backslashreplace")
    pieces = asked_pieces(given, config.dataset)
    # Before the model is loaded: what is wrong with a file is told at once.
    first = next(pieces, None)
    if first is None:
        message = "nothing to classify; give texts, --file, or lines on standard input"
        raise ConfigError(Problem("TEXT", message))

    from finesweep.dataset.reading.inference_files import joined_name, text_column

    wanted = joined_name(config.dataset.text_columns) or given.text_column
    column = text_column(first.rows, wanted, option="--text-column")

    check_model_uri(given.model, tracking_uri=config.tracking.uri)

    from finesweep.prediction import load_classifier
    from finesweep.prediction.tables import check_columns

    classifier = load_classifier(given.model, tracking_uri=config.tracking.uri)
    collector.resume()
    if given.threshold is not None:
        classifier = classifier.uncertain_below(given.threshold)
    pieces, second = chain([first], pieces), None
    if classifier.decision_rule.pairs:
        pieces, second = paired_pieces(pieces, given, first_column=column)
    elif given.pair_column:
        told = f"{given.model} reads single texts, not pairs; leave it out"
        raise ConfigError(Problem("--pair-column", told))
    if given.output:
        check_columns(first.rows, classifier)
    tally = Tally()
    answered = tally.counting(_answered(_shown(pieces, given), classifier, column, second))
    if given.output:
        _write(answered, classifier, given.output, tally)
    else:
        _print(answered, classifier, [column] if second is None else [column, second], given.json)
    if not given.json:
        for remark in tally.remarks(classifier, given.threshold):
            print(remark, file=sys.stderr)
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    cli = parser("predict", "--model URI (TEXT… | --file FILE | < FILE) [OPTIONS]")
    cli.epilog = EXAMPLES
    cli.add_argument("--model", required=True, metavar="URI", help="models:/…, runs:/… or a folder")
    cli.add_argument("texts", nargs="*", metavar="TEXT", help="pairs two by two; or tracking.uri=…")
    cli.add_argument(
        "--file",
        type=Path,
        help="a table (.csv, .jsonl, .xlsx, .parquet …; dataset.separator=, .quoting=, .columns= …"
        " say how it is written), or a text (of pairs two, a tab between them) in each line; - is"
        " stdin",
    )
    cli.add_argument("--text-column", metavar="NAME", help="of the file; text unless given")
    cli.add_argument(
        "--pair-column", metavar="NAME", help="of the second texts of pairs; pair unless given"
    )
    cli.add_argument("--encoding", default="utf-8", help="of the file; utf-8 unless given")
    cli.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the rows with their answers beside them: .csv, .jsonl or .parquet",
    )
    cli.add_argument(
        "--threshold",
        type=float,
        help=f"below this probability an answer is {UNCERTAIN}; the model's own unless given",
    )
    cli.add_argument("--json", action="store_true", help="one JSON object per text")
    given = cli.parse_intermixed_args(list(arguments))
    given.overrides = [text for text in given.texts if OVERRIDE.match(text)]
    given.texts = [text for text in given.texts if text not in given.overrides]
    check_threshold(given.threshold)
    check_encoding(given.encoding)
    if given.texts and given.file:
        raise ConfigError(Problem("--file", "cannot stand with texts; give either"))
    return given


def _shown(pieces: Iterator[Piece], given: argparse.Namespace) -> Iterator[pd.DataFrame]:
    """Each piece's rows, while a bar moves where there is a terminal to show it."""
    from rich.progress import Progress

    from finesweep.cli.screens.console import screen

    console = screen(stderr=True)
    shown = given.file and console.is_terminal and (given.output or not sys.stdout.isatty())
    with Progress(console=console, transient=True, disable=not shown) as bar:
        task, n_rows = bar.add_task("", total=1.0), 0
        for piece in pieces:
            yield piece.rows
            n_rows += len(piece.rows)
            bar.update(task, completed=piece.share, description=f"{n_rows:,} rows")


def _answered(
    tables: Iterator[pd.DataFrame], classifier: Classifier, column: str, pair_column: str | None
) -> Iterator[Answered]:
    """The rows of each table, and a prediction for each."""
    from finesweep.prediction.tables import input_texts

    for rows in tables:
        texts = input_texts(rows, column=column, pair_column=pair_column)
        yield rows, list(classifier.predict(texts))


def _write(
    answered: Iterator[Answered], classifier: Classifier, output: Path, tally: Tally
) -> None:
    from finesweep.prediction.tables import with_predictions
    from finesweep.prediction.writers import open_writer

    with open_writer(output, option="--output") as write:
        for rows, predictions in answered:
            write(with_predictions(rows, predictions, classifier))
    print(f"{output}: {tally.n_texts:,} rows, {tally.n_unsure:,} of them {UNCERTAIN}")


def _print(
    answered: Iterator[Answered], classifier: Classifier, columns: Sequence[str], as_json: bool
) -> None:
    line = json_line if as_json else screen_line
    for rows, predictions in answered:
        texts = rows[list(columns)].itertuples(index=False, name=None)
        for row, prediction in zip(texts, predictions, strict=True):
            print(line(row, prediction, classifier))
        sys.stdout.flush()
