"""A comparison as tables of text, for a screen and for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finesweep.report.comparison import Comparison, PairedTest, Score

MAIN = ("loss", "accuracy", "f1", "f1_micro", "precision", "recall", "roc_auc")
"""Scores that a screen has room for; a page and JSON have all."""
NOTHING = "–"
N_DIGITS = 12
"""Characters shown of a fingerprint, as git shows of a commit."""


@dataclass(frozen=True)
class TextTable:
    """One table; after the first column each column is a side, or a figure of a pair."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_by_side: bool = True


def tables_of(comparison: Comparison, *, all_scores: bool) -> list[TextTable]:
    """The tables that have rows, in order."""
    letters = tuple(side.letter for side in comparison.sides)
    what = "definitions" if comparison.of == "sweeps" else "settings"

    def by_side(title: str, values: Mapping[str, Sequence[Any]]) -> TextTable:
        rows = tuple((name, *map(_text, row)) for name, row in values.items())
        return TextTable(title, ("", *letters), rows)

    whose = "scores of the winners" if comparison.of == "sweeps" else "scores"
    scores = {k: v for k, v in comparison.scores.items() if all_scores or is_main(k)}
    tables = [
        TextTable(
            "compared",
            ("", "name", "kind", "winner's run" if comparison.of == "sweeps" else "run"),
            tuple((s.letter, s.name, s.kind, s.run_id or NOTHING) for s in comparison.sides),
            is_by_side=False,
        ),
        by_side("facts", comparison.facts),
        by_side(f"{what} that differ", comparison.settings),
        by_side("inputs that differ", comparison.inputs),
        by_side(f"{whose}, with 95 % intervals", scores),
        TextTable(
            "paired tests on the same rows: first minus second, with 95 % intervals",
            ("", "split", "accuracies", "won : lost", "p", "f1", "loss"),
            tuple(map(_test_row, comparison.tests)),
            is_by_side=False,
        ),
    ]
    return [table for table in tables if table.rows]


def is_main(name: str) -> bool:
    """Whether a score is among the few that everybody reads."""
    return name.startswith(("best ", "confirmed ")) or name.partition("/")[2] in MAIN


def _text(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, Score):
        bounds = "" if value.low is None else f" {value.low:.3f}…{value.high:.3f}"
        return f"{value.value:.4f}{bounds}"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"
    text = str(value)
    is_hash = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:N_DIGITS] if is_hash else text


def _test_row(test: PairedTest) -> tuple[str, ...]:
    result = test.result
    accuracies = " ".join(f"{each:.3f}" for each in result.accuracies)
    won = f"{result.n_gained:,} : {result.n_lost:,}"
    pair = f"{test.first} − {test.second}"
    differences = (_difference(result.f1), _difference(result.loss))
    return (pair, test.split, accuracies, won, f"{result.p:.2g}", *differences)


def _difference(values: Sequence[float]) -> str:
    value, low, high = values
    return f"{value:+.3f} {low:+.3f}…{high:+.3f}"
