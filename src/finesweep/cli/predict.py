"""`finesweep predict --model URI TEXT… / --file F`: labels and probabilities."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from finesweep.cli import parser
from finesweep.config import compose
from finesweep.errors import ConfigError, Problem
from finesweep.records import Prediction

UNCERTAIN = "UNCERTAIN"
EXAMPLES = """
examples:
  finesweep predict --model models:/tweets-sentiment@challenger "what a day"
  finesweep predict --model models:/tweets-sentiment/1 --file texts.txt --threshold 0.8 --json
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("predict", "--model URI (TEXT… | --file FILE) [--threshold P] [--json]")
    cli.epilog = EXAMPLES
    cli.add_argument("--model", required=True, metavar="URI", help="models:/…, runs:/… or a folder")
    cli.add_argument("texts", nargs="*", metavar="TEXT", help="or tracking.uri=…")
    cli.add_argument("--file", type=Path, help="a text in each line; - is standard input")
    cli.add_argument(
        "--threshold", type=float, default=0.0, help=f"below this probability: {UNCERTAIN}"
    )
    cli.add_argument("--json", action="store_true", help="one JSON object per text")
    given = cli.parse_intermixed_args(list(arguments))
    overrides = [text for text in given.texts if text.startswith("tracking.") and "=" in text]
    texts = [text for text in given.texts if text not in overrides] + _lines(given.file)
    if not texts:
        raise ConfigError(Problem("TEXT", "nothing to classify; give texts or --file"))
    if not 0 <= given.threshold <= 1:
        raise ConfigError(Problem("--threshold", f"{given.threshold} given; must be 0 to 1"))
    config = compose(overrides).config

    from finesweep.cli.quiet import hush

    hush()
    from finesweep.prediction import load_classifier

    classifier = load_classifier(given.model, tracking_uri=config.tracking.uri)
    for line in _answers(classifier.predict(texts), given.threshold, as_json=given.json):
        print(line)
    return 0


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(Problem("--file", f"{file}: {reason}")) from error
    return [line for line in text.splitlines() if line.strip()]


def _answers(
    predictions: Iterator[Prediction], threshold: float, *, as_json: bool
) -> Iterator[str]:
    for prediction in predictions:
        label = prediction.label if prediction.probability >= threshold else UNCERTAIN
        shares = dict(sorted(prediction.probabilities.items(), key=lambda item: -item[1]))
        if as_json:
            rounded = {name: round(share, 6) for name, share in shares.items()}
            answer = {"text": prediction.text, "label": label, "probabilities": rounded}
            yield json.dumps(answer, ensure_ascii=False)
        else:
            listed = "  ".join(f"{name} {share:.3f}" for name, share in shares.items())
            yield f"{label:<12} {listed}   {prediction.text}"
