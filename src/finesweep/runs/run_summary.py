"""One finished run in seven points, as Markdown: what was trained on what, and where it errs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from finesweep.config import PublishedConfig
from finesweep.dataset.labels.values import label_counts, labels_of
from finesweep.dataset.validation import listed
from finesweep.records import SPLITS, DecisionRule, Predictions, TextDataset
from finesweep.runs.run_logging import Setup, model_name
from finesweep.stats.constant_prediction import constant_prediction, never_predicted
from finesweep.stats.error_kinds import KINDS

SHOWN = ("loss", "accuracy", "f1", "f1_micro", "precision", "recall", "roc_auc")
N_ERRORS = 5
MAX_CHARACTERS = 300
MAX_CLASSES = 12
"""Of a confusion matrix that stands in the text; larger ones are read in the picture."""
UNEVEN = 1.5
"""Of the commonest label to the rarest in train, from where on weights may help a model that says
one thing only."""
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
    """The seven points.

    metrics are `split/name` → value of validation and test; counts are the test split's, as
    `confusion_counts` makes them; errors are its wrong answers as errors.json holds them.
    """
    config, dataset = setup.composed.config, setup.dataset
    points = {
        "Model": _model(setup),
        "Data": _data(dataset),
        "Split": _split(dataset),
        "Settings": _table(("setting", "value"), _settings(setup)),
        "Results": _results(metrics, intervals, config.published)
        + _answers(metrics, decision_rule, dataset.label_names)
        + "".join(f"\n\n{doubt[0].upper()}{doubt[1:]}." for doubt in doubts),
        "Confusion matrix": _confusion(counts, dataset.label_names),
        "Errors": _errors(errors, n_rows=len(dataset.test)),
    }
    title = f"# {model_name(setup.composed)} on {dataset.name}\n"
    chapters = [f"## {k}. {name}\n\n{text}\n" for k, (name, text) in enumerate(points.items(), 1)]
    return "\n".join([title, *chapters])


def doubts(setup: Setup, validation: Predictions) -> list[str]:
    """That the model says one thing of all rows of validation, or never one of their labels, and
    what to try; mostly nothing."""
    dataset, training = setup.dataset, setup.composed.config.training
    names, labels = dataset.label_names, labels_of(dataset, dataset.train["label"])
    counts = label_counts(labels, len(names)) / len(labels)
    tries = (
        f"try another training.learning_rate ({training.learning_rate:.2g} here), more "
        f"training.epochs ({training.epochs:g})"
    )
    if training.class_weights == "none" and counts.max() >= UNEVEN * counts.min():
        rarest = int(counts.argmin())
        share = f"{names[rarest]!r} is {100 * counts[rarest]:.0f} % of train"
        tries += f", training.class_weights=balanced ({share})"
    tries += ", and look at the balance with `finesweep explore`"
    if answer := constant_prediction(validation, names):
        n_rows = len(validation.labels)
        return [
            f"it answers ONE CLASS ONLY: {answer} to all {n_rows:,} rows of validation; {tries}"
        ]
    if never := never_predicted(validation, names):
        return [
            f"it never answers {listed(never)} in validation, though rows there have it; {tries}"
        ]
    return []


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
    """One sentence for each class: how much of it is found, and what it is taken for most often; of
    several labels, how often each is said where it does not hold."""
    if counts.ndim == 3:
        return [_said(each, name) for each, name in zip(counts, names, strict=True)]
    return [_found(c, counts[c], names) for c in range(len(names)) if counts[c].sum()]


def label_table(counts: np.ndarray, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Of each of several labels: its name, and how often it was found, missed and said wrongly."""
    return [
        (name, f"{yes[1]:,}", f"{yes[0]:,}", f"{no[1]:,}")
        for name, (no, yes) in zip(names, counts, strict=True)
    ]


def threshold_sentence(decision_rule: DecisionRule, names: Sequence[str], metrics: Values) -> str:
    """From which probability each of several labels holds; empty where a text has one label."""
    if decision_rule.label_thresholds is None:
        return ""
    each = zip(names, decision_rule.label_thresholds, strict=True)
    told = ", ".join(f"{name} {least:.2f}" for name, least in each)
    f1 = metrics["test/threshold_f1"]
    return f"Asked, the model says a label from its own threshold on ({told}): test F1 {f1:.4f}."


def _said(counts: np.ndarray, name: str) -> str:
    (_, false), (_, found) = counts
    total, said = counts[1].sum(), counts[:, 1].sum()
    share = f" ({found / total:.1%})" if total else ""
    told = f"Of {total:,} rows that are {name}, {found:,} are found{share}"
    return f"{told}; {false:,} of the {said:,} that are called so are not."


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
    kind = "labels, of which a text may have several" if dataset.multi_label else "classes"
    head = f"{dataset.name}: {len(dataset.label_names)} {kind} ({names})."
    return f"{head} Fingerprint `{dataset.fingerprint[:16]}`.{notes and chr(10)}{notes}"


def _split(dataset: TextDataset) -> str:
    rows = []
    for name in SPLITS:
        labels = labels_of(dataset, dataset.split(name)["label"])
        per_class = label_counts(labels, len(dataset.label_names))
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
    return _table(headings[:width], (row[:width] for row in rows))


def _answers(metrics: Values, decision_rule: DecisionRule, names: Sequence[str]) -> str:
    least = decision_rule.uncertain_below
    share, accuracy = metrics["test/answered_share"], metrics["test/answered_accuracy"]
    told = [
        threshold_sentence(decision_rule, names, metrics),
        f"Below a probability of {least:.2f} the model answers UNCERTAIN: it answers {share:.1%} of"
        f" the test rows, and {accuracy:.1%} of these are right.",
    ]
    return "".join(f"\n\n{sentence}" for sentence in (told if least else told[:1]) if sentence)


def _confusion(counts: np.ndarray, names: Sequence[str]) -> str:
    sentences = "\n".join(f"- {line}" for line in confusion_sentences(counts, names))
    if len(names) > MAX_CLASSES:
        return f"{sentences}\n\nThe picture: `test/confusion_matrix.png`."
    if counts.ndim == 3:
        table = _table(("label", "found", "missed", "false alarms"), label_table(counts, names))
        return f"{table}\n\n{sentences}"
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
