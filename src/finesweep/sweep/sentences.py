"""A sweep's outcome in sentences: trials, time, baseline, use of the test rows, next commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from finesweep.config.names import CHALLENGER, CHAMPION
from finesweep.records import Finalist
from finesweep.sweep.comparisons import BaselineResult
from finesweep.sweep.status import Status, command_in
from finesweep.sweep.study.slots import FINISHED
from finesweep.wording import counted, counted_rows, duration

ALPHA = 0.05
"""Level below which a comparison is called significant."""


def trial_counts(status: Status) -> str:
    """`20 trials: 6 complete, 14 pruned`."""
    parts = [f"{n} {state}" for state, n in status.counts.items() if n]
    so_far = " so far" if is_by_time(status) and _is_open(status) else ""
    line = f"{counted(status.target, 'trial')}{so_far}{_of_grid(status)}: {', '.join(parts)}"
    if not status.beyond:
        return line
    n_run = status.beyond + sum(status.counts[state] for state in FINISHED)
    return f"{line}; {n_run} were run in total, because sweep.n_trials was larger before"


def _of_grid(status: Status) -> str:
    """How much of the grid an exhaustive sampler has tried; empty for the others."""
    if (grid := status.grid) is None:
        return ""
    points = counted(grid["n_points"], "point")
    if grid["n_finished"] == grid["n_points"]:
        return f", the whole grid of {points}"
    return f", {grid['n_finished']:,} of the grid's {points} tried"


def is_by_time(status: Status) -> bool:
    """Whether the number of trials is what fits into the time."""
    return bool(status.time_budget and status.time_budget["is_by_time"])


def _is_open(status: Status) -> bool:
    """Whether it may begin more trials within its time."""
    return bool(status.time_budget and status.time_budget["is_open"])


def time_spent(seconds: Mapping[str, float]) -> str:
    """The parts that took longest and the time saved, each at least a second; empty if none is."""
    spent, saved = spent_and_saved(seconds)
    groups = {
        "time spent: ": ", ".join(f"{name} {duration(value)}" for name, value in spent.items()),
        "saved by ": ", ".join(f"{name} {duration(value)}" for name, value in saved.items()),
    }
    return "; ".join(heading + durations for heading, durations in groups.items() if durations)


def spent_and_saved(
    seconds: Mapping[str, float], *, at_least: float = 1.0
) -> tuple[dict[str, float], dict[str, float]]:
    """Part → seconds spent, longest first, and means → seconds saved, of a status's `spent`."""
    spent, saved = dict[str, float](), dict[str, float]()
    for name, value in seconds.items():
        kind, _, part = name.partition("/")
        if value >= at_least:
            (saved if kind == "seconds_saved" else spent)[part] = value
    return dict(sorted(spent.items(), key=lambda item: -item[1])), saved


def baseline_score(baseline: BaselineResult) -> str:
    """Its accuracy on the test rows, and the time to fit it."""
    kinds = "" if list(baseline.kinds) == ["words"] else f" of {' and '.join(baseline.kinds)}"
    accuracy = baseline.test_metrics["test/accuracy"]
    return (
        f"TF-IDF{kinds} with logistic regression: accuracy {accuracy:.4f}, fitted in"
        f" {baseline.seconds:.1f} s"
    )


def baseline_verdict(baseline: BaselineResult) -> str:
    """Whether the winner beats it, and on how many rows."""
    result = "significantly beats it" if baseline.p <= ALPHA else "does NOT significantly beat it"
    return (
        f"the winner {result}: right on {counted_rows(baseline.n_gained)} that it gets wrong,"
        f" wrong on {baseline.n_lost:,} that it gets right (p {baseline.p:.2g})"
    )


def chance_better(finalist: Finalist) -> float | None:
    """Probability that it really beats the runner-up; None without a confirmation."""
    chance: float | None = (finalist.confirmed or {}).get("probability_better")
    return chance


def failed_seeds(status: Status) -> str:
    """`2 failed seeds; seed 1 of trial 3: reason`; empty without one."""
    if not status.failed_seeds:
        return ""
    first, n_failed = status.failed_seeds[0], counted(len(status.failed_seeds), "failed seed")
    return f"{n_failed}; seed {first['seed']} of trial {first['trial']}: {first['reason']}"


def failed_confirmation(status: Status, finalist: Finalist) -> str:
    """Why the confirmation does not confirm the winner; empty where it does, and without one."""
    is_any_left = any(row["n_seeds"] and not row["dropped"] for row in status.confirmed)
    if finalist.confirmed or is_any_left or not status.failed_seeds:
        return ""
    return f"all fresh seeds failed: {failed_seeds(status)}"


def use_of_test_rows(finalist: Finalist) -> str:
    """How often the test rows have been used; empty where that was not counted."""
    if not finalist.test_look:
        return ""
    times = finalist.test_look
    return "first use of them" if times == 1 else f"used {times} times so far"


def registered_as(status: Status) -> str:
    """The registered version; empty without one."""
    if not status.registered:
        return ""
    name, version = status.registered["name"], status.registered["version"]
    aliases = _aliases(status.registered)
    told = f"{'alias' if len(aliases) == 1 else 'aliases'} {', '.join(aliases)}"
    return f"registered as {name} version {version}, {told if aliases else 'without an alias'}"


def _aliases(registered: Mapping[str, Any]) -> list[str]:
    """The version's aliases of now; where they were not read, the one it was registered with."""
    aliases: list[str] = registered.get("aliases", [registered["alias"]])
    return aliases


def next_commands(status: Status, attributes: Mapping[str, Any]) -> dict[str, str]:
    """Command → what it does, of those that use the winner, look at the runs, and search on.

    attributes are the study's.
    """
    commands = dict[str, str]()
    if status.registered:
        name, aliases = status.registered["name"], _aliases(status.registered)
        alias = next(iter(sorted(aliases, key=lambda each: each != CHAMPION)), None)
        end = f"@{alias}" if alias else f"/{status.registered['version']}"
        uri = shlex.quote(f"models:/{name}{end}")
        commands[f'finesweep predict --model {uri} "your text"'] = "asks the winner"
        if CHALLENGER in aliases and CHAMPION not in aliases:
            command = f"finesweep promote {shlex.quote(name)}"
            commands[command] = "makes it champion, if it passes the gate"
    commands[shlex.join(["finesweep", "ui", status.study])] = "shows its runs in MLflow"
    return commands | _searching_on(status, attributes)


def _searching_on(status: Status, attributes: Mapping[str, Any]) -> dict[str, str]:
    """The command that searches on; none once nothing is left to try."""
    if is_by_time(status):
        # The same command has time for more trials, where their number is what fits.
        more = {command_in(attributes): "searches on, for as long again"}
        return {} if status.grid and status.grid["is_complete"] else more
    n_trials = 2 * (status.target + status.beyond)
    if status.grid is None:
        return {command_in(attributes, n_trials=n_trials): "runs as many trials again"}
    n_slots = status.grid["n_points"] + status.grid["n_beside"]
    if status.target >= n_slots:
        return {}
    if n_trials >= n_slots:
        return {command_in(attributes, n_trials=n_slots): "tries the rest of the grid"}
    return {command_in(attributes, n_trials=n_trials): "runs as many trials again"}
