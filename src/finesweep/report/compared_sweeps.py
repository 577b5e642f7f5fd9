"""Sweeps side by side: definitions, budgets, spend, best values, and their winners' scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finesweep.config.compose import flatten
from finesweep.report.compared_runs import paired_tests, require_shared, scores_of
from finesweep.report.comparison import Comparison, Score, Side, differing, letters_of
from finesweep.runs.recorded import RecordedRun, read_run
from finesweep.sweep.selection.state import SweepState
from finesweep.sweep.status import Status, status_in
from finesweep.sweep.study.keys import DATA_FINGERPRINT, DEFINITION
from finesweep.sweep.study.trial_runs import run_of
from finesweep.tracking import TrackingStore, active_run

Sweeps = Mapping[str, SweepState]
"""Letter → sweep."""


def compare_sweeps(
    store: TrackingStore, states: Sequence[SweepState], notes: Sequence[str] = ()
) -> Comparison:
    """The comparison of sweeps, with these notes first; ConfigError when no two share a score."""
    sweeps = dict(zip(letters_of(len(states)), states, strict=True))
    statuses = {letter: status_in(state, []) for letter, state in sweeps.items()}
    winners = {letter: winner_run(store, state) for letter, state in sweeps.items()}
    scores = {
        **_best_scores(store, sweeps, statuses),
        **scores_of(list(winners.values())),
    }
    notes = [*notes, *_other_metrics(statuses), *_other_data(sweeps)]
    notes += [f"{k} {_why_no_winner(sweeps[k])}." for k, run in winners.items() if run is None]
    require_shared(scores, notes)
    tests, untested = paired_tests({k: run for k, run in winners.items() if run is not None})
    return Comparison(
        of="sweeps",
        sides=tuple(
            Side(k, state.name, "sweep", None if (run := winners[k]) is None else run.run_id)
            for k, state in sweeps.items()
        ),
        settings=differing([_definition(state) for state in states]),
        inputs={},
        facts=_facts(statuses),
        scores=scores,
        tests=tests,
        notes=(*notes, *untested),
    )


def winner_run(store: TrackingStore, state: SweepState) -> RecordedRun | None:
    """The run of the winner as evaluated on the test split; None before that, or when it was
    deleted."""
    run = active_run(store, state.finalist.run_id if state.finalist else None)
    return None if run is None else read_run(store, run.run_id)


def _why_no_winner(state: SweepState) -> str:
    return "has no winner yet" if state.finalist is None else "has lost its winner's run in MLflow"


def _definition(state: SweepState) -> dict[str, str]:
    """Dotted path → value; entries of lists and mappings have a path each."""
    flat: dict[str, str] = {}
    for name, value in state.attributes[DEFINITION].items():
        flat |= {path: str(each) for path, each in flatten(_as_mappings(value), name).items()}
    return flat


def _as_mappings(value: Any) -> Any:
    """The value with each list of mappings as a mapping by position."""
    is_rows = isinstance(value, list) and value and all(isinstance(each, dict) for each in value)
    return {str(k): each for k, each in enumerate(value)} if is_rows else value


def _best_scores(
    store: TrackingStore, sweeps: Sweeps, statuses: Mapping[str, Status]
) -> dict[str, tuple[Score | None, ...]]:
    """`best METRIC` → the best trial's value with its interval over validation rows; `confirmed
    METRIC` → the winner's mean over fresh seeds with the interval of that mean."""
    rows: dict[str, dict[str, Score]] = {}
    for letter, status in statuses.items():
        metric = status.metric
        if status.best is not None:
            score = _best_score(store, sweeps[letter], status)
            rows.setdefault(f"best {metric}", {})[letter] = score
        confirmed = status.confirmed[0] if status.confirmed else None
        if confirmed is not None and confirmed["mean"] is not None:
            mean = Score(confirmed["mean"], confirmed["low"], confirmed["high"])
            rows.setdefault(f"confirmed {metric}", {})[letter] = mean
    return {name: tuple(map(row.get, statuses)) for name, row in rows.items()}


def _best_score(store: TrackingStore, state: SweepState, status: Status) -> Score:
    assert status.best is not None
    run = run_of(store, state.uid, status.best["trial"])
    intervals = {} if run is None else read_run(store, run.run_id).intervals("validation")
    return Score(status.best["value"], *intervals.get(status.metric, (None, None)))


def _facts(statuses: Mapping[str, Status]) -> dict[str, tuple[Any, ...]]:
    return {
        "metric": tuple(each.metric for each in statuses.values()),
        "trials": tuple(each.target for each in statuses.values()),
        "complete": tuple(each.counts["complete"] for each in statuses.values()),
        "pruned": tuple(each.counts["pruned"] for each in statuses.values()),
        "failed": tuple(each.counts["failed"] for each in statuses.values()),
        "seconds spent": tuple(
            sum(v for name, v in each.spent.items() if name.startswith("seconds/"))
            for each in statuses.values()
        ),
        "best trial": tuple(each.best and each.best["trial"] for each in statuses.values()),
        "winner trial": tuple(each.winner and each.winner["trial"] for each in statuses.values()),
        "registered": tuple(
            each.registered and f"{each.registered['name']} {each.registered['version']}"
            for each in statuses.values()
        ),
    }


def _other_metrics(statuses: Mapping[str, Status]) -> list[str]:
    metrics = {letter: status.metric for letter, status in statuses.items()}
    if len(set(metrics.values())) == 1:
        return []
    parts = ", ".join(f"{letter} {metric}" for letter, metric in metrics.items())
    return [f"The metrics differ ({parts}): best values of other metrics are not comparable."]


def _other_data(sweeps: Sweeps) -> list[str]:
    data = {
        letter: {
            trial.user_attrs[DATA_FINGERPRINT]
            for trial in state.trials
            if DATA_FINGERPRINT in trial.user_attrs
        }
        for letter, state in sweeps.items()
    }
    if not all(data.values()) or len({frozenset(each) for each in data.values()}) == 1:
        return []
    parts = ", ".join(f"{k} {min(each)[:12]}" for k, each in data.items())
    return [f"The data differ ({parts}), and so may the rows of the scores."]
