"""What a sweep has come to, on screen: the leaderboard, the winner and what to type next."""

from __future__ import annotations

from rich.console import Console

from finesweep.cli.tables import print_leaderboard, print_metrics
from finesweep.records import Finalist
from finesweep.sweep.status import Status, leaderboard, status_of
from finesweep.sweep.study import Study, known_finalist


def print_outcome(console: Console, study: Study) -> None:
    """Leaderboard, counts, the winner's test score beside the majority class's, next commands."""
    status = status_of(study)
    console.print()
    print_leaderboard(console, leaderboard(study), metric=status.metric)
    console.print()
    console.print(_counts(status))
    finalist = known_finalist(study)
    if status.best is None:
        console.print("no trial completed: the runs in `finesweep ui` hold the reasons")
        return
    if finalist is not None and status.is_spent:
        _print_winner(console, finalist)
    _print_next(console, status)


def _counts(status: Status) -> str:
    parts = [f"{n} {state}" for state, n in status.counts.items() if n]
    return f"{status.target} trials: {', '.join(parts)}"


def _print_winner(console: Console, finalist: Finalist) -> None:
    console.print(
        f"\nbest: trial {finalist.trial}, once on the test split ({finalist.test_rows:,} rows)"
    )
    print_metrics(console, {"test": finalist.test_metrics})
    share = finalist.majority_accuracy
    console.print(f"accuracy of always answering the commonest class: {share:.4f}")


def _print_next(console: Console, status: Status) -> None:
    commands = [
        "finesweep ui",
        f"finesweep sweep {status.sweep} sweep.n_trials={2 * status.target}",
    ]
    if status.registered:
        name, version = status.registered["name"], status.registered["version"]
        alias = status.registered["alias"]
        console.print(f"registered as {name} version {version}, alias {alias}", highlight=False)
        commands.insert(0, f'finesweep predict --model models:/{name}@{alias} "a text of yours"')
    console.print("\nnext:")
    for command in commands:
        console.print(f"  {command}", highlight=False, soft_wrap=True)
