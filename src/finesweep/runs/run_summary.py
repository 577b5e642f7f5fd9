"""A Markdown summary of a finished run in seven sections: model, data, results, errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from finesweep.config import PublishedConfig
from finesweep.dataset.labels.values import label_counts, labels_of
from finesweep.records import SPLITS, DecisionRule, Predictions, TextDataset
from finesweep.runs.data_card import rows_by_label
from finesweep.runs.run_logging import Setup
from finesweep.runs.run_name import model_name
from finesweep.stats.constant_prediction import constant_prediction, never_predicted
from finesweep.stats.error_kinds import KINDS
from finesweep.wording import listed

SHOWN = ("loss", "accuracy", "f1", "f1_micro", "precision", "recall", "roc_auc")
N_ERRORS = 5
MAX_CHARACTERS = 300
MAX_CLASSES = 12
"""Maximum for a confusion matrix in the text; larger ones are only in the figure."""
IMBALANCE = 1.5
"""Ratio of the most frequent to the rarest train label from which class weights are suggested to a
model that predicts a single label."""
Values = Mapping[str, float]


def summary(
    setup: Setup,
    *,
    metrics: Values,
    intervals: Mapping[str, tuple[float, float]],
    counts: np.ndarray,
    errors: Sequence[Mapping[str, Any]],
    decision_rule: DecisionRule,
    doubts: Sequence[str] = (),
) -> str:
    """The seven sections.

    metrics are `split/name` → value of validation and test; counts are the test split's
    `confusion_counts`; errors are its wrong predictions as in errors.json.
    """
    config, dataset = setup.composed.config, setup.dataset
    points = {
        "Model": _model(setup),
        "Data": _data(dataset),
        "Split": _split(dataset),
        "Settings": _table(("setting", "value"), _settings(setup)),
        "Results": _results(metrics, intervals, config.published)
        + _decision_sentences(metrics, decision_rule, dataset.label_names)
        + "".join(f"\n\n{doubt[0].upper()}{doubt[1:]}." for doubt in doubts),
        "Confusion matrix": _confusion(counts, dataset.label_names),
        "Errors": _errors(errors, n_rows=len(dataset.test)),
    }
    title = f"# {model_name(setup.composed)} on {dataset.name}\n"
    chapters = [f"## {k}. {name}\n\n{text}\n" for k, (name, text) in enumerate(points.items(), 1)]
    return "\n".join([title, *chapters])


def doubts(setup: Setup, validation: Predictions) -> list[str]:
    """Warnings that the model predicts the same for all validation rows, or never predicts one of
    their labels, with what to try; usually empty."""
    dataset, training = setup.dataset, setup.composed.config.training
    names, labels = dataset.label_names, labels_of(dataset, dataset.train["label"])
    counts = label_counts(labels, len(names)) / len(labels)
    hints = (
        f"try another training.learning_rate ({training.learning_rate:.2g} here), more "
        f"training.epochs ({training.epochs:g})"
    )
    if training.class_weights == "none" and counts.max() >= IMBALANCE * counts.min():
        rarest = int(counts.argmin())
        share = f"{names[rarest]!r} is {100 * counts[rarest]:.0f} % of train"
        hints += f", training.class_weights=balanced ({share})"
    hints += ", and check the class balance with `finesweep explore`"
    if answer := constant_prediction(validation, names):
        n_rows = len(validation.labels)
        return [f"it predicts ONE CLASS ONLY: {answer} for all {n_rows:,} validation rows; {hints}"]
    if never := never_predicted(validation, names):
        return [
            f"it never predicts {listed(never)} in validation, though rows there have it; {hints}"
        ]
    return []


def published_rows(published: PublishedConfig, metrics: Values) -> list[tuple[str, float, float]]:
    """Each `split/name` that both the authors and the run report: name, their value, the run's."""
    reported = published.metrics.items()
    return [(name, theirs, metrics[name]) for name, theirs in reported if name in metrics]


def published_difference(published: PublishedConfig, setup: Setup) -> str:
    """How data and model differ from the authors'; empty if they do not."""
    config = setup.composed.config
    pairs = {
        "data": (setup.dataset.name, published.dataset),
        "model": (config.model.name_or_path, published.model),
    }
    differences = [
        f"{what} {own}, theirs {their}" for what, (own, their) in pairs.items() if own != their
    ]
    return "; ".join(differences)


def confusion_sentences(counts: np.ndarray, names: Sequence[str]) -> list[str]:
    """One sentence per class: its recall and most frequent confusion; with several labels, its
    recall and false positives."""
    if counts.ndim == 3:
        return [_label_sentence(each, name) for each, name in zip(counts, names, strict=True)]
    return [_class_sentence(c, counts[c], names) for c in range(len(names)) if counts[c].sum()]


def label_table(counts: np.ndarray, names: Sequence[str]) -> list[tuple[str, ...]]:
    """For several labels, each one's name, true positives, false negatives and false positives."""
    return [
        (name, f"{positive[1]:,}", f"{positive[0]:,}", f"{negative[1]:,}")
        for name, (negative, positive) in zip(names, counts, strict=True)
    ]


def threshold_sentence(decision_rule: DecisionRule, names: Sequence[str], metrics: Values) -> str:
    """The decision thresholds of several labels; empty for one label per text."""
    if decision_rule.label_thresholds is None:
        return ""
    each = zip(names, decision_rule.label_thresholds, strict=True)
    thresholds = ", ".join(f"{name} {minimum:.2f}" for name, minimum in each)
    f1 = metrics["test/threshold_f1"]
    return f"Per-label decision thresholds ({thresholds}): test F1 {f1:.4f}."


def _label_sentence(counts: np.ndarray, name: str) -> str:
    (_, false), (_, found) = counts
    total, predicted = counts[1].sum(), counts[:, 1].sum()
    share = f" ({found / total:.1%})" if total else ""
    sentence = f"Recall of {name}: {found:,} of {total:,} rows{share}"
    return f"{sentence}; {false:,} of {predicted:,} predictions are false positives."


def _class_sentence(c: int, row: np.ndarray, names: Sequence[str]) -> str:
    total = row.sum()
    sentence = f"Recall of {names[c]}: {row[c]:,} of {total:,} rows ({row[c] / total:.1%})"
    wrong = np.where(np.arange(len(row)) == c, 0, row)
    if not wrong.any():
        return f"{sentence}."
    return f"{sentence}; {wrong.max():,} are predicted as {names[int(wrong.argmax())]}."


def _model(setup: Setup) -> str:
    config, parameters = setup.composed.config, setup.parameters
    total = parameters.trainable + parameters.frozen
    teacher = config.training.teacher
    return (
        f"`{config.model.name_or_path}`, {total:,} parameters, {parameters.trainable:,} of them"
        f" trained. Texts are truncated to {config.dataset.max_length} tokens."
        f"{f' It also learned from the teacher `{teacher}`.' if teacher else ''}"
    )


def _data(dataset: TextDataset) -> str:
    notes = "".join(f"\n- {note}" for note in dataset.notes)
    names = ", ".join(dataset.label_names)
    kind = "labels, any number per text" if dataset.multi_label else "classes"
    head = f"{dataset.name}: {len(dataset.label_names)} {kind} ({names})."
    return f"{head} Fingerprint `{dataset.fingerprint[:16]}`.{notes and chr(10)}{notes}"


def _split(dataset: TextDataset) -> str:
    rows = []
    for name in SPLITS:
        per_class = rows_by_label(dataset, name)
        rows.append((name, f"{len(dataset.split(name)):,}", *(f"{n:,}" for n in per_class)))
    return _table(("split", "rows", *dataset.label_names), rows)


def _settings(setup: Setup) -> list[tuple[str, Any]]:
    config = setup.composed.config
    fields = {f"training.{k}": v for k, v in asdict(config.training).items()}
    fields |= {f"dataset.{k}": getattr(config.dataset, k) for k in ("max_length", "seed")}
    shown = ("freeze_layers", "lora_rank", "dropout", "pooling")
    fields |= {f"model.{k}": getattr(config.model, k) for k in shown}
    return [(name, value) for name, value in fields.items() if value is not None]


def _results(
    metrics: Values,
    intervals: Mapping[str, tuple[float, float]],
    published: PublishedConfig | None,
) -> str:
    theirs = published.metrics if published else {}
    rows = []
    for name in SHOWN:
        if f"test/{name}" not in metrics:
            continue
        low, high = intervals.get(f"test/{name}", (np.nan, np.nan))
        published_values = [theirs.get(f"{split}/{name}") for split in ("validation", "test")]
        values = [metrics.get(f"{split}/{name}") for split in ("validation", "test")]
        interval = f"{low:.4f} … {high:.4f}" if np.isfinite(low) else ""
        rows.append((name, *map(_number, values), interval, *map(_number, published_values)))
    headings = ("metric", "validation", "test", "95 % of test", "published validation", "and test")
    width = len(headings) if theirs else 4
    return _table(headings[:width], (row[:width] for row in rows))


def _decision_sentences(metrics: Values, decision_rule: DecisionRule, names: Sequence[str]) -> str:
    minimum = decision_rule.uncertain_below
    share, accuracy = metrics["test/answered_share"], metrics["test/answered_accuracy"]
    sentences = [
        threshold_sentence(decision_rule, names, metrics),
        f"Below a probability of {minimum:.2f} a prediction is UNCERTAIN: {share:.1%} of the test"
        f" rows are above it, and {accuracy:.1%} of these are right.",
    ]
    return "".join(
        f"\n\n{sentence}" for sentence in (sentences if minimum else sentences[:1]) if sentence
    )


def _confusion(counts: np.ndarray, names: Sequence[str]) -> str:
    sentences = "\n".join(f"- {line}" for line in confusion_sentences(counts, names))
    if len(names) > MAX_CLASSES:
        return f"{sentences}\n\nSee `test/confusion_matrix.png`."
    if counts.ndim == 3:
        table = _table(("label", "found", "missed", "false positives"), label_table(counts, names))
        return f"{table}\n\n{sentences}"
    rows = [(name, *map(str, row)) for name, row in zip(names, counts.tolist(), strict=True)]
    return f"{_table(('truth, then predicted', *names), rows)}\n\n{sentences}"


def _errors(errors: Sequence[Mapping[str, Any]], *, n_rows: int) -> str:
    if not errors:
        return f"None in {n_rows:,} rows."
    kinds = Counter(kind for error in errors for kind in error["kinds"])
    listing = ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())
    head = f"{len(errors):,} of {n_rows:,} rows are wrong. Error types (heuristic): {listing}."
    return "\n\n".join([head, *map(describe_error, errors[:N_ERRORS])])


def describe_error(error: Mapping[str, Any]) -> str:
    """One wrong prediction with its shortened text and possible causes."""
    causes = "; ".join(f"{kind}: {KINDS[kind]}" for kind in error["kinds"])
    quoted = shortened(error["text"])
    return f"> {quoted}\n\nTrue label {confused(error)}. {causes[0].upper()}{causes[1:]}."


def confused(error: Mapping[str, Any]) -> str:
    """`positive, predicted negative with probability 0.93`."""
    prediction = f"predicted {error['prediction']} with probability {error['probability']:.2f}"
    return f"{error['truth']}, {prediction}"


def shortened(text: str) -> str:
    """The text in one line, truncated if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}…"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
