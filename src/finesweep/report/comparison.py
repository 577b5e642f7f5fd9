"""The comparison of runs or of sweeps, as a record; what cannot be compared is said in a note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from finesweep.stats.paired_comparison import PairedComparison
from finesweep.sweep.sentences import ALPHA
from finesweep.wording import counted_rows


@dataclass(frozen=True)
class Side:
    """One of the runs or sweeps that are compared."""

    letter: str
    """A, B, C …, by which the other parts name it."""
    name: str
    kind: str
    """Tag `finesweep.kind` of the run, or `sweep`."""
    run_id: str | None
    """The MLflow run; of a sweep its winner's, None before it has one."""


@dataclass(frozen=True)
class Score:
    """A score with its 95 % interval; without bounds where it has none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PairedTest:
    """Two sides on the same rows of one split."""

    split: str
    first: str
    """Letter of the side that differences subtract from."""
    second: str
    result: PairedComparison
    """With p adjusted by Holm over the split's tests."""


@dataclass(frozen=True)
class Comparison:
    """Runs or sweeps side by side; each tuple has one entry per side, None where it has none."""

    of: Literal["runs", "sweeps"]
    sides: tuple[Side, ...]
    settings: Mapping[str, tuple[str | None, ...]]
    """Dotted path → values, of the settings that differ; for sweeps of their definitions."""
    inputs: Mapping[str, tuple[str | None, ...]]
    """Data, starting weights, device and versions, those that differ."""
    facts: Mapping[str, tuple[Any, ...]]
    """State, costs and budgets."""
    scores: Mapping[str, tuple[Score | None, ...]]
    """`split/name` → scores at the best checkpoint; for sweeps of the winner, and `best METRIC`
    and `confirmed METRIC`."""
    tests: tuple[PairedTest, ...]
    notes: tuple[str, ...]
    """Sentences about what is not compared, and why."""


def letters_of(count: int) -> list[str]:
    """A, B, C …"""
    return [chr(ord("A") + k) for k in range(count)]


def differing(
    columns: Sequence[Mapping[str, Any] | None], *, is_complete: bool = True
) -> dict[str, tuple[Any, ...]]:
    """Name → values in each column, of the names that do not have the same value in all.

    A column of None has none and makes no difference; nor does a missing name, unless the columns
    are complete.
    """
    names = dict.fromkeys(name for column in columns for name in column or ())
    rows = {
        name: tuple(None if column is None else column.get(name) for column in columns)
        for name in sorted(names)
    }

    def are_different(values: Sequence[Any]) -> bool:
        known = {
            value
            for value, column in zip(values, columns, strict=True)
            if column is not None and (is_complete or value is not None)
        }
        return len(known) > 1

    return {name: values for name, values in rows.items() if are_different(values)}


def sentence(test: PairedTest) -> str:
    """The result of a paired test in words."""
    result, (first, second) = test.result, (test.first, test.second)
    where = f"on the same {counted_rows(result.rows).replace(' row', f' {test.split} row')}"
    p = f"(p {result.p:.2g})"
    if result.p > ALPHA:
        return f"{first} and {second} do not differ significantly {where} {p}."
    better, worse = (first, second) if result.n_gained > result.n_lost else (second, first)
    return f"{better} is right more often than {worse} {where} {p}."
