"""One run on screen: its evaluations, scores, errors and the next commands."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from finesweep.api.console import say
from finesweep.cli.screens.tables import (
    print_classes,
    print_confusion,
    print_evaluations,
    print_label_counts,
    print_metrics,
)
from finesweep.config import PublishedConfig
from finesweep.records import Evaluation, TestResult, TextDataset
from finesweep.runs.finetune import Trained
from finesweep.runs.run_summary import (
    confused,
    doubts,
    published_difference,
    published_rows,
    shortened,
    threshold_sentence,
)
from finesweep.stats.overfitting import overfitting
from finesweep.training import confusion, majority_accuracy
from finesweep.wording import counted

N_ERRORS = 3
MAX_CLASSES = 8
"""Classes of the largest confusion matrix shown."""
MAX_ROWS = 12
"""Evaluations shown; of a longer run, only those at the end of an epoch."""


def print_trained(console: Console, trained: Trained) -> None:
    """Prints the report of one run; without a test evaluation, its validation scores only."""
    dataset, result, test = trained.setup.dataset, trained.result, trained.test
    published = trained.setup.composed.config.published
    for note in dataset.notes:
        say(console, f"data: {note}")
    if teacher := trained.setup.teacher:
        say(console, f"teacher: {teacher.uri}")
    schedule = trained.setup.schedule
    evaluations = schedule.at_examples_seen(result.evaluations)
    (best,) = schedule.at_examples_seen([result.best])
    rows = _selected(evaluations)
    print_evaluations(console, rows, best=best, published=_by_epoch(published, rows))
    early = ", stopped early" if result.stopped_early else ""
    position = f"{best.step:,} examples (epoch {best.epoch:.2f}){early}"
    console.print(f"best checkpoint after {position}")
    for doubt in doubts(trained.setup, result.validation):
        say(console, doubt)
    if finding := overfitting(evaluations):
        message = f"overfitting: {finding}; the best checkpoint is from before that"
        say(console, message)
    metrics = {"validation": result.best.metrics} | ({"test": test.metrics} if test else {})
    print_metrics(console, metrics)
    accuracy = majority_accuracy(dataset.train["label"], dataset.validation["label"])
    console.print(f"majority-class validation accuracy: {accuracy:.4f}")
    if published:
        _print_published(console, published, trained)
    if test:
        _print_test(console, dataset, test)
        _print_next(console, test, pairs=dataset.pairs)


def _selected(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    if len(evaluations) <= MAX_ROWS:
        return list(evaluations)
    return [each for each in evaluations if round(each.epoch, 6).is_integer()]


def _by_epoch(
    published: PublishedConfig | None, evaluations: Sequence[Evaluation]
) -> dict[str, list[float | None]]:
    """Published values of each `split/name` at the epoch of each evaluation; None where missing."""
    by_epoch = published.by_epoch if published else {}
    ends = {round(each.epoch, 6): k for k, each in enumerate(evaluations)}
    table: dict[str, list[float | None]] = {name: [None] * len(evaluations) for name in by_epoch}
    for name, values in by_epoch.items():
        for epoch, value in enumerate(values, start=1):
            if epoch in ends:
                table[name][ends[epoch]] = value
    return table


def _print_published(console: Console, published: PublishedConfig, trained: Trained) -> None:
    measured = {**trained.result.best.metrics, **(trained.test.metrics if trained.test else {})}
    console.print(f"\npublished ({published.source}):", soft_wrap=True)
    for name, theirs, ours in published_rows(published, measured):
        console.print(f"  {name} {theirs:.4g}, here {ours:.4f}")
    if difference := published_difference(published, trained.setup):
        console.print(
            f"  differs from the published experiment: {difference}",
            soft_wrap=True,
        )


def _print_test(console: Console, dataset: TextDataset, test: TestResult) -> None:
    counts = confusion(test.predictions)
    console.print(f"\ntest split, by {'label' if dataset.multi_label else 'class'}")
    print_classes(console, counts, dataset.label_names)
    if dataset.multi_label:
        console.print("\ncounts per label, at a threshold of 0.5")
        print_label_counts(console, counts, dataset.label_names)
        thresholds = threshold_sentence(test.decision_rule, dataset.label_names, test.metrics)
        say(console, thresholds)
    elif len(dataset.label_names) <= MAX_CLASSES:
        console.print("\nconfusion matrix (rows: true, columns: predicted)")
        print_confusion(console, counts, dataset.label_names)
    if test.errors:
        console.print(
            f"\n{counted(len(test.errors), 'error')}, most confident first (kinds are heuristic)"
        )
    for error in test.errors[:N_ERRORS]:
        line = f"- {confused(error)} ({', '.join(error['kinds'])})\n  {shortened(error['text'])}"
        say(console, line)


def _print_next(console: Console, test: TestResult, *, pairs: bool) -> None:
    texts = '"first text" "second text"' if pairs else '"your text"'
    console.print("\nnext:")
    for command in (
        f"predict --model {test.model_uri} {texts}",
        f"serve --model {test.model_uri}",
        "ui",
    ):
        console.print(f"  finesweep {command}", soft_wrap=True)
