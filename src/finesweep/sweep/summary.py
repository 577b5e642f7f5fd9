"""One finished run in seven points, as Markdown: what was trained on what, and where it errs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from finesweep.config import PublishedConfig
from finesweep.evidence.error_kinds import KINDS
from finesweep.records import Answering, TextDataset
from finesweep.sweep.recording import Setup, model_name

SHOWN = ("loss", "accuracy", "f1", "precision", "recall", "roc_auc")
SPLITS = ("train", "validation", "test")
N_ERRORS = 5
MAX_CHARACTERS = 300
MAX_CLASSES = 12
"""Of a confusion matrix that stands in the text; larger ones are read in the picture."""
Values = Mapping[str, float]


def summary(
    setup: Setup,
    *,
    metrics: Values,
    intervals: Mapping[str, tuple[float, float]],
    counts: np.ndarray,
    errors: Sequence[Mapping[str, Any]],
    answering: Answering,
) -> str:
    """The seven points.

    metrics are `split/name` → value of validation and test; counts [C, C] is the test split's
    confusion matrix, its rows the truth; errors are its wrong answers as errors.json holds them.
    """
    config, dataset = setup.composed.config, setup.dataset
    points = {
        "Model": _model(setup),
        "Data": _data(dataset),
        "Split": _split(dataset),
        "Settings": _table(("setting", "value"), _settings(setup)),
        "Results": _results(metrics, intervals, config.published, answering),
        "Confusion matrix": _confusion(counts, dataset.label_names),
        "Errors": _errors(errors, n_rows=int(counts.sum())),
    }
    title = f"# {model_name(setup.composed)} on {dataset.name}\n"
    chapters = [f"## {k}. {name}\n\n{text}\n" for k, (name, text) in enumerate(points.items(), 1)]
    return "\n".join([title, *chapters])


def published_rows(published: PublishedConfig, metrics: Values) -> list[tuple[str, float, float]]:
    """Each `split/name` that the authors report and the run has: its name, theirs and ours."""
    known = published.metrics.items()
    return [(name, theirs, metrics[name]) for name, theirs in known if name in metrics]


def published_difference(published: PublishedConfig, setup: Setup) -> str:
    """What is other here than with the authors, in words; empty where data and model are theirs."""
    config = setup.composed.config
    pairs = {
        "data": (setup.dataset.name, published.dataset),
        "model": (config.model.name_or_path, published.model),
    }
    told = [f"{what} {own}, theirs {their}" for what, (own, their) in pairs.items() if own != their]
    return "; ".join(told)


def confusion_sentences(counts: np.ndarray, names: Sequence[str]) -> list[str]:
    """One sentence for each class: how much of it is found, and what it is taken for most often."""
    return [_found(c, counts[c], names) for c in range(len(names)) if counts[c].sum()]


def _found(c: int, row: np.ndarray, names: Sequence[str]) -> str:
    total = row.sum()
    told = f"Of {total:,} rows that are {names[c]}, {row[c]:,} are found ({row[c] / total:.1%})"
    wrong = np.where(np.arange(len(row)) == c, 0, row)
    if not wrong.any():
        return f"{told}."
    return f"{told}; {wrong.max():,} are taken for {names[int(wrong.argmax())]}."


def _model(setup: Setup) -> str:
    config, parameters = setup.composed.config, setup.parameters
    total = parameters.trainable + parameters.frozen
    return (
        f"`{config.model.name_or_path}`, {total:,} parameters, {parameters.trainable:,} of them"
        f" trained. It reads the first {config.dataset.max_length} tokens of a text."
    )


def _data(dataset: TextDataset) -> str:
    notes = "".join(f"\n- {note}" for note in dataset.notes)
    names = ", ".join(dataset.label_names)
    head = f"{dataset.name}: {len(dataset.label_names)} classes ({names})."
    return f"{head} Fingerprint `{dataset.fingerprint[:16]}`.{notes and chr(10)}{notes}"


def _split(dataset: TextDataset) -> str:
    rows = []
    for name in SPLITS:
        labels = np.asarray(dataset.split(name)["label"])  # type: ignore[arg-type]
        per_class = np.bincount(labels, minlength=len(dataset.label_names))
        rows.append((name, f"{len(labels):,}", *(f"{n:,}" for n in per_class)))
    return _table(("split", "rows", *dataset.label_names), rows)


def _settings(setup: Setup) -> list[tuple[str, Any]]:
    config = setup.composed.config
    fields = {f"training.{k}": v for k, v in asdict(config.training).items()}
    fields |= {f"dataset.{k}": getattr(config.dataset, k) for k in ("max_length", "seed")}
    fields["model.freeze_layers"] = config.model.freeze_layers
    return [(name, value) for name, value in fields.items() if value is not None]


def _results(
    metrics: Values,
    intervals: Mapping[str, tuple[float, float]],
    published: PublishedConfig | None,
    answering: Answering,
) -> str:
    theirs = published.metrics if published else {}
    rows = []
    for name in SHOWN:
        if f"test/{name}" not in metrics:
            continue
        low, high = intervals.get(f"test/{name}", (np.nan, np.nan))
        told = [theirs.get(f"{split}/{name}") for split in ("validation", "test")]
        values = [metrics.get(f"{split}/{name}") for split in ("validation", "test")]
        interval = f"{low:.4f} … {high:.4f}" if np.isfinite(low) else ""
        rows.append((name, *map(_number, values), interval, *map(_number, told)))
    headings = ("metric", "validation", "test", "95 % of test", "published validation", "and test")
    width = len(headings) if theirs else 4
    table = _table(headings[:width], (row[:width] for row in rows))
    least = answering.uncertain_below
    share, accuracy = metrics["test/answered_share"], metrics["test/answered_accuracy"]
    return (
        f"{table}\n\nBelow a probability of {least:.2f} the model answers UNCERTAIN: it answers"
        f" {share:.1%} of the test rows, and {accuracy:.1%} of these are right."
    )


def _confusion(counts: np.ndarray, names: Sequence[str]) -> str:
    sentences = "\n".join(f"- {line}" for line in confusion_sentences(counts, names))
    if len(names) > MAX_CLASSES:
        return f"{sentences}\n\nThe picture: `test/confusion_matrix.png`."
    rows = [(name, *map(str, row)) for name, row in zip(names, counts.tolist(), strict=True)]
    return f"{_table(('truth, then predicted', *names), rows)}\n\n{sentences}"


def _errors(errors: Sequence[Mapping[str, Any]], *, n_rows: int) -> str:
    if not errors:
        return f"None in {n_rows:,} rows."
    kinds = Counter(kind for error in errors for kind in error["kinds"])
    counted = ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())
    head = f"{len(errors):,} of {n_rows:,} rows are wrong. Their kinds, guessed: {counted}."
    return "\n\n".join([head, *map(explained, errors[:N_ERRORS])])


def explained(error: Mapping[str, Any]) -> str:
    """One wrong answer with its text, shortened, and what may have caused it."""
    causes = "; ".join(f"{kind}: {KINDS[kind]}" for kind in error["kinds"])
    quoted = shortened(error["text"])
    return f"> {quoted}\n\nIs {confused(error)}. {causes[0].upper()}{causes[1:]}."


def confused(error: Mapping[str, Any]) -> str:
    """`positive, was called negative with probability 0.93`."""
    called = f"was called {error['prediction']} with probability {error['probability']:.2f}"
    return f"{error['truth']}, {called}"


def shortened(text: str) -> str:
    """The text in one line, its end left out where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}…"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
