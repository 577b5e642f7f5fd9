"""Runs side by side: settings, inputs, scores with intervals, and paired tests on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from finesweep.errors import ConfigError, Problem
from finesweep.records import SplitName
from finesweep.report.comparison import (
    Comparison,
    PairedTest,
    Score,
    Side,
    differing,
    letters_of,
)
from finesweep.runs.recorded import RecordedRun
from finesweep.stats.paired_comparison import compare_pair
from finesweep.stats.paired_tests import holm

EVALUATED: tuple[SplitName, ...] = ("validation", "test")
COSTS = ("seconds/training", "latency_ms/one_p50", "model/bytes")
CACHE = "activation cache"
"""The input that follows from settings, and that results do not depend on."""
Runs = Mapping[str, RecordedRun]
"""Letter → run."""


def compare_runs(recorded: Sequence[RecordedRun], notes: Sequence[str] = ()) -> Comparison:
    """The comparison of runs, with these notes first; ConfigError when no two share a score."""
    runs = dict(zip(letters_of(len(recorded)), recorded, strict=True))
    scores = scores_of(list(runs.values()))
    notes = [*notes, *_missing_settings(runs), *_other_data(runs)]
    for letter, run in runs.items():
        if not run.scores:
            notes.append(f"{letter} has no scores: {run.tags.get('finesweep.reason', run.state)}.")
    require_shared(scores, notes)
    tests, untested = paired_tests(runs)
    return Comparison(
        of="runs",
        sides=tuple(Side(k, run.name, run.kind, run.run_id) for k, run in runs.items()),
        settings=differing([run.settings or None for run in recorded]),
        inputs=differing([_inputs(run) or None for run in recorded], is_complete=False),
        facts={
            "state": tuple(run.state for run in recorded),
            **{name: values for name in COSTS if any(values := _metrics(recorded, name))},
        },
        scores=scores,
        tests=tests,
        notes=(*notes, *untested),
    )


def scores_of(runs: Sequence[RecordedRun | None]) -> dict[str, tuple[Score | None, ...]]:
    """`split/name` → each run's score with its interval; None for a run without it, or no run."""
    columns = [{} if run is None else _scores(run) for run in runs]
    names = dict.fromkeys(name for column in columns for name in column)
    return {name: tuple(column.get(name) for column in columns) for name in names}


def require_shared(scores: Mapping[str, Sequence[Score | None]], reasons: Sequence[str]) -> None:
    """ConfigError, with the reasons, when no two sides have the same score."""
    if not any(sum(each is not None for each in row) > 1 for row in scores.values()):
        why = " ".join(reasons) or "none of them has scores"
        raise ConfigError(Problem("compare", f"no two of them share a score: {why}"))


def paired_tests(runs: Runs) -> tuple[tuple[PairedTest, ...], list[str]]:
    """The tests of all pairs that were evaluated on the same rows, and a sentence for each reason
    why others were not."""
    tests: list[PairedTest] = []
    notes: list[str] = []
    for split in EVALUATED:
        having = {k: run for k, run in runs.items() if run.predictions(split) is not None}
        pairs = list(combinations(having, 2))
        same = [(a, b) for a, b in pairs if runs[a].rows(split) & runs[b].rows(split)]
        without = [f"{k} has no predictions" for k in runs if k not in having]
        others = [f"{a} and {b} may have other rows" for a, b in pairs if (a, b) not in same]
        if having and (without or others):
            notes.append(f"Not in a paired test on {split} rows: {', '.join(without + others)}.")
        tests += _tests(having, same, split)
    return tuple(tests), notes


def _tests(runs: Runs, pairs: Sequence[tuple[str, str]], split: SplitName) -> list[PairedTest]:
    made = []
    for first, second in pairs:
        left, right = (runs[k].predictions(split) for k in (first, second))
        assert left is not None
        assert right is not None
        pair = compare_pair(left.probabilities, right.probabilities, left.labels, left.label_names)
        made.append(PairedTest(split, first, second, pair))
    adjusted = holm([each.result.p for each in made])
    return [
        replace(test, result=replace(test.result, p=p))
        for test, p in zip(made, adjusted, strict=True)
    ]


def _scores(run: RecordedRun) -> dict[str, Score]:
    intervals = {k: each for split in EVALUATED for k, each in run.intervals(split).items()}
    nothing = (None, None)
    return {name: Score(value, *intervals.get(name, nothing)) for name, value in run.scores.items()}


def _metrics(runs: Sequence[RecordedRun], name: str) -> tuple[float | None, ...]:
    return tuple(run.metrics.get(name) for run in runs)


def _inputs(run: RecordedRun) -> dict[str, str]:
    return {name: value for name, value in run.inputs.items() if name != CACHE}


def _missing_settings(runs: Runs) -> list[str]:
    without = [letter for letter, run in runs.items() if not run.settings]
    return [f"{k} is of kind {runs[k].kind}, without a config: no settings." for k in without]


def _other_data(runs: Runs) -> list[str]:
    groups: dict[str | None, list[str]] = {}
    for letter, run in runs.items():
        groups.setdefault(run.inputs.get("data"), []).append(letter)
    unknown = groups.pop(None, [])
    notes = [f"The data of {_listed(unknown)} were not recorded."] if unknown else []
    if len(groups) > 1:
        parts = [f"{_listed(each)} {str(data)[:12]}" for data, each in groups.items()]
        notes.append(f"The data differ ({', '.join(parts)}), and so may the rows of the scores.")
    return notes


def _listed(letters: Sequence[str]) -> str:
    return " and ".join([", ".join(letters[:-1]), letters[-1]] if letters[1:] else letters)
