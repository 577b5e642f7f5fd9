"""A sweep on screen: the leaderboard, the winner and the next commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from rich.console import Console

from finesweep.cli.screens.tables import (
    print_confirmed,
    print_leaderboard,
    print_metrics,
    print_workers,
)
from finesweep.config.names import CHALLENGER
from finesweep.records import Finalist
from finesweep.sweep.comparisons import BaselineResult, verdict
from finesweep.sweep.selection.omissions import omissions
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.status import Status, command_of, leaderboard, status_in
from finesweep.sweep.study.slots import FINISHED
from finesweep.sweep.study.study import Study, baseline_in, comparisons_in, data_notes_of
from finesweep.sweep.study.workers import live_workers
from finesweep.wording import counted, counted_rows

ALPHA = 0.05
BOUNDS = ("  95 % CI low", "  95 % CI high")


def print_outcome(console: Console, study: Study, *, with_data: bool = True) -> None:
    """Prints the leaderboard, counts, the winner's test scores and next commands; with_data prints
    the notes on the data first."""
    state = read_state(study)
    status = status_in(state, live_workers(study))
    console.print()
    for note in data_notes_of(study) if with_data else ():
        _say(console, f"data: {note}")
    baseline = baseline_in(state.attributes)
    rows = leaderboard(state.trials, state.direction)
    print_leaderboard(console, rows, metric=status.metric, baseline=baseline)
    console.print()
    if status.confirmed:
        print_confirmed(console, status.confirmed, metric=status.metric)
        console.print()
    console.print(_counts(status))
    if spent := _spent(status.spent):
        console.print(spent, soft_wrap=True)
    _print_state(console, study, status)
    finalist = state.finalist
    if status.best is None and not status.is_budget_spent:
        return
    if status.best is None:
        console.print("no trial completed; see the failed runs in `finesweep ui`")
        return
    if finalist is not None and status.is_budget_spent:
        _print_winner(console, finalist)
        if baseline is not None:
            _print_baseline(console, baseline)
        for comparison in comparisons_in(state.attributes):
            console.print(verdict(comparison), soft_wrap=True)
        for comparison_name, reason in omissions(study).items():
            _say(console, f"NOT compared: {comparison_name}: {reason}")
    _print_next(console, study, status)


def _counts(status: Status) -> str:
    parts = [f"{n} {state}" for state, n in status.counts.items() if n]
    so_far = " so far" if _is_open(status) else ""
    line = f"{counted(status.target, 'trial')}{so_far}: {', '.join(parts)}"
    if not status.beyond:
        return line
    n_run = status.beyond + sum(status.counts[state] for state in FINISHED)
    return f"{line}; {n_run} were run in total, because sweep.n_trials was larger before"


def _is_open(status: Status) -> bool:
    """Whether it is a sweep by time that may begin more trials."""
    return bool(status.time_budget and status.time_budget["is_open"] and _is_by_time(status))


def _is_by_time(status: Status) -> bool:
    return bool(status.time_budget and status.time_budget["is_by_time"])


def _spent(seconds: Mapping[str, float]) -> str:
    """The parts that took longest and the time saved, each at least a second; empty if none is."""
    parts = {name.partition("/")[2]: value for name, value in seconds.items() if value >= 1}
    saved = {name: value for name, value in parts.items() if f"seconds_saved/{name}" in seconds}
    spent = sorted(parts.keys() - saved.keys(), key=lambda name: -parts[name])
    groups = {
        "time spent: ": ", ".join(f"{name} {_duration(parts[name])}" for name in spent),
        "saved by ": ", ".join(f"{name} {_duration(value)}" for name, value in saved.items()),
    }
    return "; ".join(heading + durations for heading, durations in groups.items() if durations)


def _print_state(console: Console, study: Study, status: Status) -> None:
    """Prints interruptions, stops and workers: the state of a sweep that runs or had trouble."""
    if status.interrupted_attempts:
        attempts = counted(status.interrupted_attempts, "interrupted attempt")
        console.print(f"{attempts} retried")
    if status.stopped:
        console.print(f"no new trials: {status.stopped}")
    if not status.workers:
        if not status.is_budget_spent:
            message = f"no workers running; resume with: {command_of(study)}"
            console.print(message, soft_wrap=True)
        return
    console.print()
    print_workers(console, status.workers)
    if status.seconds_left:
        console.print(f"about {_duration(status.seconds_left)} left")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _print_winner(console: Console, finalist: Finalist) -> None:
    console.print(
        f"\nbest: trial {finalist.trial}{_odds(finalist)};"
        f" evaluated once on the test split ({finalist.test_rows:,} rows{_use(finalist)})",
        soft_wrap=True,
    )
    bounds = finalist.test_intervals
    sides = {
        side: {name: each[k] for name, each in bounds.items()} for k, side in enumerate(BOUNDS)
    }
    print_metrics(console, {"test": finalist.test_metrics, **(sides if bounds else {})}, of="test")
    console.print(f"majority-class accuracy: {finalist.majority_accuracy:.4f}")
    for doubt in finalist.doubts:
        _say(console, doubt)


def _say(console: Console, line: str) -> None:
    console.print(line, soft_wrap=True)


def _print_baseline(console: Console, baseline: BaselineResult) -> None:
    kinds = "" if list(baseline.kinds) == ["words"] else f" of {' and '.join(baseline.kinds)}"
    accuracy, p = baseline.test_metrics["test/accuracy"], baseline.p
    console.print(
        f"TF-IDF{kinds} with logistic regression: accuracy {accuracy:.4f}, fitted in"
        f" {baseline.seconds:.1f} s",
    )
    result = "significantly beats it" if p <= ALPHA else "does NOT significantly beat it"
    console.print(
        f"the winner {result}: right on {counted_rows(baseline.n_gained)} that it gets wrong,"
        f" wrong on {baseline.n_lost:,} that it gets right (p {p:.2g})",
        soft_wrap=True,
    )


def _odds(finalist: Finalist) -> str:
    chance = (finalist.confirmed or {}).get("probability_better")
    return "" if chance is None else f", better than the runner-up with probability {chance:.2f}"


def _use(finalist: Finalist) -> str:
    if not finalist.test_look:
        return ""
    times = finalist.test_look
    return "; first use of them" if times == 1 else f"; used {times} times so far"


def _print_next(console: Console, study: Study, status: Status) -> None:
    # The same command has time for more trials, where their number is what fits.
    n_trials = None if _is_by_time(status) else 2 * (status.target + status.beyond)
    commands = [
        f"finesweep ui {shlex.quote(study.study_name)}",
        command_of(study, n_trials=n_trials),
    ]
    if status.registered:
        name, version = status.registered["name"], status.registered["version"]
        alias = status.registered["alias"]
        console.print(f"registered as {name} version {version}, alias {alias}")
        uri = shlex.quote(f"models:/{name}@{alias}")
        commands.insert(0, f'finesweep predict --model {uri} "your text"')
        if alias == CHALLENGER:
            commands.insert(1, f"finesweep promote {shlex.quote(name)}")
    console.print("\nnext:")
    for command in commands:
        console.print(f"  {command}", soft_wrap=True)
