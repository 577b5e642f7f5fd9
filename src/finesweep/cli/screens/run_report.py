"""What one run has come to, on screen: its course, its scores, its errors and what to type next."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from finesweep.cli.screens.tables import (
    print_classes,
    print_confusion,
    print_course,
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

N_ERRORS = 3
MAX_CLASSES = 8
"""Of a confusion matrix that fits on a screen."""
MAX_ROWS = 12
"""Of the course of a run; a longer one is shown at the ends of its epochs."""


def print_trained(console: Console, trained: Trained) -> None:
    """All that a single run has to say; without a look at the test split only its validation."""
    dataset, result, test = trained.setup.dataset, trained.result, trained.test
    published = trained.setup.composed.config.published
    for note in dataset.notes:
        console.print(f"data: {note}", highlight=False, soft_wrap=True)
    schedule = trained.setup.schedule
    looks, (best,) = (
        schedule.at_examples_seen(result.evaluations),
        schedule.at_examples_seen([result.best]),
    )
    shown = _shown(looks)
    print_course(console, shown, best=best, theirs=_by_epoch(published, shown))
    early = ", stopped early" if result.stopped_early else ""
    seen = f"{best.step:,} examples (epoch {best.epoch:.2f}){early}"
    console.print(f"best checkpoint after {seen}", highlight=False)
    for doubt in doubts(trained.setup, result.validation):
        console.print(doubt, highlight=False, soft_wrap=True)
    if parted := overfitting(looks):
        told = f"overfitting: {parted}; the best checkpoint is from before that"
        console.print(told, highlight=False, soft_wrap=True)
    measured = {"validation": result.best.metrics} | ({"test": test.metrics} if test else {})
    print_metrics(console, measured)
    share = majority_accuracy(dataset.train["label"], dataset.validation["label"])
    console.print(f"always giving the commonest answer: validation accuracy {share:.4f}")
    if published:
        _print_published(console, published, trained)
    if test:
        _print_test(console, dataset, test)
        _print_next(console, test, pairs=dataset.pairs)


def _shown(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    if len(evaluations) <= MAX_ROWS:
        return list(evaluations)
    return [each for each in evaluations if round(each.epoch, 6).is_integer()]


def _by_epoch(
    published: PublishedConfig | None, shown: Sequence[Evaluation]
) -> dict[str, list[float | None]]:
    """The authors' `split/name` after the epoch of each row shown, None where they tell none."""
    known = published.by_epoch if published else {}
    ends = {round(each.epoch, 6): k for k, each in enumerate(shown)}
    table: dict[str, list[float | None]] = {name: [None] * len(shown) for name in known}
    for name, values in known.items():
        for epoch, value in enumerate(values, start=1):
            if epoch in ends:
                table[name][ends[epoch]] = value
    return table


def _print_published(console: Console, published: PublishedConfig, trained: Trained) -> None:
    measured = {**trained.result.best.metrics, **(trained.test.metrics if trained.test else {})}
    console.print(f"\npublished ({published.source}):", highlight=False, soft_wrap=True)
    for name, theirs, ours in published_rows(published, measured):
        console.print(f"  {name} {theirs:.4g}, here {ours:.4f}", highlight=False)
    if other := published_difference(published, trained.setup):
        console.print(f"  not the same experiment: {other}", highlight=False, soft_wrap=True)


def _print_test(console: Console, dataset: TextDataset, test: TestResult) -> None:
    counts = confusion(test.predictions)
    console.print(f"\ntest split, by {'label' if dataset.multi_label else 'class'}")
    print_classes(console, counts, dataset.label_names)
    if dataset.multi_label:
        console.print("\nwhat became of each label, from a probability of 0.5 on")
        print_label_counts(console, counts, dataset.label_names)
        told = threshold_sentence(test.decision_rule, dataset.label_names, test.metrics)
        console.print(told, highlight=False, soft_wrap=True)
    elif len(dataset.label_names) <= MAX_CLASSES:
        console.print("\nhow many of each class (row) were called what (column)")
        print_confusion(console, counts, dataset.label_names)
    if test.errors:
        console.print(f"\n{len(test.errors):,} wrong, the most confident first; kinds are guessed")
    for error in test.errors[:N_ERRORS]:
        told = f"- {confused(error)} ({', '.join(error['kinds'])})\n  {shortened(error['text'])}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)


def _print_next(console: Console, test: TestResult, *, pairs: bool) -> None:
    texts = '"a text" "its second text"' if pairs else '"a text of yours"'
    console.print("\nnext:")
    for command in (
        f"predict --model {test.model_uri} {texts}",
        f"serve --model {test.model_uri}",
        "ui",
    ):
        console.print(f"  finesweep {command}", highlight=False, soft_wrap=True)
