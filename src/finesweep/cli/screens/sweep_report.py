"""A sweep on screen: the leaderboard, the winner and the next commands."""

from __future__ import annotations

import shlex

from rich.console import Console

from finesweep.api.console import say
from finesweep.api.model_uri import require_store
from finesweep.cli.screens.tables import (
    print_confirmed,
    print_leaderboard,
    print_metrics,
    print_workers,
)
from finesweep.config import TrackingConfig
from finesweep.records import Finalist
from finesweep.sweep.comparisons import BaselineResult, verdict
from finesweep.sweep.gains import combination_gain, combination_tried
from finesweep.sweep.prune_audit import audit_in
from finesweep.sweep.selection.omissions import omissions
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.sentences import (
    baseline_score,
    baseline_verdict,
    chance_better,
    failed_confirmation,
    next_commands,
    registered_as,
    time_spent,
    trial_counts,
    use_of_test_rows,
)
from finesweep.sweep.status import Status, command_of, leaderboard, status_in, with_aliases_of_now
from finesweep.sweep.study.study import Study, baseline_in, comparisons_in, data_notes_of
from finesweep.sweep.study.workers import live_workers
from finesweep.wording import counted, duration

BOUNDS = ("  95 % CI low", "  95 % CI high")


def print_outcome(
    console: Console,
    study: Study,
    *,
    tracking: TrackingConfig | None = None,
    with_data: bool = True,
) -> None:
    """Prints the leaderboard, counts, the winner's test scores and next commands; with_data prints
    the notes on the data first.

    The registered version's aliases are read from tracking; without it, or while it is away, the
    alias that it was registered with is printed.
    """
    state = read_state(study)
    status = status_in(state, live_workers(study))
    if tracking is not None and status.registered:
        status = _with_aliases_of_now(status, tracking)
    console.print()
    for note in data_notes_of(study) if with_data else ():
        say(console, f"data: {note}")
    baseline = baseline_in(state.attributes)
    rows = leaderboard(state.trials, state.direction, state.front)
    print_leaderboard(console, rows, metric=status.metric, baseline=baseline)
    if state.front is not None and state.front.members:
        say(console, str(state.front))
    console.print()
    if status.confirmed:
        print_confirmed(console, status.confirmed, metric=status.metric)
        console.print()
    if status.combination is not None:
        say(console, combination_tried(status.combination, status.metric))
    console.print(trial_counts(status))
    if spent := time_spent(status.spent):
        say(console, spent)
    if (audit := audit_in(state.trials, state.direction)) is not None:
        say(console, str(audit))
    _print_state(console, study, status)
    finalist = state.standing_finalist
    if status.best is None and not status.is_budget_spent:
        return
    if status.best is None:
        console.print("no trial completed; see the failed runs in `finesweep ui`")
        return
    if finalist is not None:
        _print_winner(console, finalist, failed_confirmation(status, finalist))
        if baseline is not None:
            _print_baseline(console, baseline)
        for comparison in comparisons_in(state.attributes):
            say(console, verdict(comparison))
        for comparison_name, reason in omissions(study).items():
            say(console, f"NOT done: {comparison_name}: {reason}")
    _print_next(console, study, status)


def _with_aliases_of_now(status: Status, tracking: TrackingConfig) -> Status:
    """The same status where the store does not exist or is away."""
    from finesweep.tracking import open_store
    from finesweep.tracking.outages import is_tracking_outage

    try:
        require_store(tracking.uri)
        return with_aliases_of_now(status, open_store(tracking))
    except Exception as error:
        if not is_tracking_outage(error):
            raise
        return status


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
        console.print(f"about {duration(status.seconds_left)} left")


def _print_winner(console: Console, finalist: Finalist, unconfirmed: str) -> None:
    """unconfirmed: why the confirmation does not confirm it; empty where it does."""
    chance, use = chance_better(finalist), use_of_test_rows(finalist)
    odds = "" if chance is None else f", better than the runner-up with probability {chance:.2f}"
    rows = f"{finalist.test_rows:,} rows{use and f'; {use}'}"
    say(
        console,
        f"\nbest: trial {finalist.trial}{odds}; evaluated once on the test split ({rows})",
    )
    if unconfirmed:
        say(console, f"not confirmed, because {unconfirmed}")
    if finalist.picked is not None:
        say(console, f"picked by {finalist.picked['rule']}: {finalist.picked['why']}")
    bounds = finalist.test_intervals
    sides = {
        side: {name: each[k] for name, each in bounds.items()} for k, side in enumerate(BOUNDS)
    }
    print_metrics(console, {"test": finalist.test_metrics, **(sides if bounds else {})}, of="test")
    console.print(f"majority-class accuracy: {finalist.majority_accuracy:.4f}")
    for line in combination_gain(finalist):
        say(console, line)
    for doubt in finalist.doubts:
        say(console, doubt)


def _print_baseline(console: Console, baseline: BaselineResult) -> None:
    console.print(baseline_score(baseline))
    say(console, baseline_verdict(baseline))


def _print_next(console: Console, study: Study, status: Status) -> None:
    if registered := registered_as(status):
        console.print(registered)
    console.print("\nnext:")
    report = shlex.join(["finesweep", "report", study.study_name])
    for command in [report, *next_commands(status, study.user_attrs)]:
        console.print(f"  {command}", soft_wrap=True)
