"""`finesweep predict --model URI TEXT… / --file F`: labels and probabilities."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finesweep.cli import check_threshold, collector, parser
from finesweep.cli.asked import asked_pieces, paired_pieces
from finesweep.cli.model_uri import check_model_uri
from finesweep.config import compose
from finesweep.errors import ConfigError, Problem
from finesweep.pairs import PAIR
from finesweep.records import UNCERTAIN

if TYPE_CHECKING:
    import pandas as pd

    from finesweep.dataset.formats import Piece
    from finesweep.prediction import Classifier

EXAMPLES = """
examples:
  finesweep predict --model models:/tweets-sentiment@challenger "what a day"
  finesweep predict --model models:/tweets-sentiment/1 --threshold 0.8 --json < texts.txt
  finesweep predict --model models:/tweets-sentiment@champion --file in.csv --output out.csv
"""


def run(arguments: Sequence[str]) -> int:
    given = _parsed(arguments)
    config = compose(given.overrides).config

    from finesweep.cli.quiet import hush

    hush()
    pieces = asked_pieces(given)
    # Before the model is loaded: what is wrong with a file is told at once.
    first = next(pieces, None)
    if first is None:
        message = "nothing to classify; give texts, --file, or lines on standard input"
        raise ConfigError(Problem("TEXT", message))

    from finesweep.dataset.unlabelled import text_column

    column = text_column(first.rows, given.text_column, option="--text-column")

    check_model_uri(given.model, tracking_uri=config.tracking.uri)

    from finesweep.prediction import load_classifier

    classifier = load_classifier(given.model, tracking_uri=config.tracking.uri)
    collector.resume()
    pieces, columns = chain([first], pieces), [column]
    if classifier.answering.pairs:
        pieces, second = paired_pieces(pieces, given, first_column=column)
        columns.append(second)
    elif given.pair_column:
        told = f"{given.model} reads single texts, not pairs; leave it out"
        raise ConfigError(Problem("--pair-column", told))
    tables = _answered(pieces, classifier, columns, given)
    if given.output:
        _write(tables, given.output)
        return 0
    for table in tables:
        for line in _lines(table, columns, classifier, as_json=given.json):
            print(line)
        sys.stdout.flush()
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    cli = parser("predict", "--model URI (TEXT… | --file FILE | < FILE) [OPTIONS]")
    cli.epilog = EXAMPLES
    cli.add_argument("--model", required=True, metavar="URI", help="models:/…, runs:/… or a folder")
    cli.add_argument("texts", nargs="*", metavar="TEXT", help="pairs two by two; or tracking.uri=…")
    cli.add_argument(
        "--file",
        type=Path,
        help=".csv, .tsv, .jsonl, .parquet, or a text (of pairs two, a tab between them) in each"
        " line; - is stdin",
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
        help=f"below this probability: {UNCERTAIN}; the model's own unless given",
    )
    cli.add_argument("--json", action="store_true", help="one JSON object per text")
    given = cli.parse_intermixed_args(list(arguments))
    given.overrides = [text for text in given.texts if text.startswith("tracking.") and "=" in text]
    given.texts = [text for text in given.texts if text not in given.overrides]
    check_threshold(given.threshold)
    if given.texts and given.file:
        raise ConfigError(Problem("--file", "cannot stand with texts; give either"))
    return given


def _answered(
    pieces: Iterator[Piece],
    classifier: Classifier,
    columns: Sequence[str],
    given: argparse.Namespace,
) -> Iterator[pd.DataFrame]:
    """Each piece with its answers, while a bar moves where there is a terminal to show it."""
    from rich.console import Console
    from rich.progress import Progress

    from finesweep.prediction.rows import answer_rows

    console = Console(stderr=True)
    shown = given.file and console.is_terminal and (given.output or not sys.stdout.isatty())
    with Progress(console=console, transient=True, disable=not shown) as bar:
        task, n_rows = bar.add_task("", total=1.0), 0
        for piece in pieces:
            yield answer_rows(
                classifier,
                piece.rows,
                column=columns[0],
                pair_column=columns[1] if len(columns) > 1 else None,
                uncertain_below=given.threshold,
            )
            n_rows += len(piece.rows)
            bar.update(task, completed=piece.share, description=f"{n_rows:,} rows")


def _write(tables: Iterator[pd.DataFrame], output: Path) -> None:
    from finesweep.prediction.sinks import written
    from finesweep.tracking.predictions import PREDICTION

    n_rows = n_uncertain = 0
    with written(output, option="--output") as write:
        for table in tables:
            write(table)
            n_rows += len(table)
            n_uncertain += int((table[PREDICTION] == UNCERTAIN).sum())
    print(f"{output}: {n_rows:,} rows, {n_uncertain:,} of them {UNCERTAIN}")


def _lines(
    table: pd.DataFrame, columns: Sequence[str], classifier: Classifier, *, as_json: bool
) -> Iterator[str]:
    from finesweep.tracking.predictions import PREDICTION, PROBABILITY

    names = classifier.label_names
    for row in table.to_dict("records"):
        shares = {label: row[f"{PROBABILITY}{label}"] for label in names}
        known = {label: share for label, share in shares.items() if share == share}
        ranked = dict(sorted(known.items(), key=lambda each: -each[1]))
        texts, answer = [row[column] for column in columns], row[PREDICTION]
        if not as_json:
            yield _line(texts, answer, ranked)
            continue
        told = {"label": answer}
        if classifier.multi_label:
            told["labels"] = [n for n in names if answer != UNCERTAIN and row[f"{PREDICTION}/{n}"]]
        yield _json(texts, told, ranked)


def _json(texts: Sequence[Any], answer: dict[str, Any], shares: dict[str, float]) -> str:
    rounded = {name: round(share, 6) for name, share in shares.items()}
    # Not strict: only models of pairs have a second text.
    named = zip(("text", "pair"), texts, strict=False)
    held = {name: text if isinstance(text, str) else None for name, text in named}
    return json.dumps({**held, **answer, "probabilities": rounded}, ensure_ascii=False)


def _line(texts: Sequence[Any], answer: str, shares: dict[str, float]) -> str:
    listed = "  ".join(f"{name} {share:.3f}" for name, share in shares.items())
    return f"{answer:<12} {listed}   {PAIR.join(map(str, texts))}"
