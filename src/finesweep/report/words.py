"""A report's first screen, in words: what won, by how much, how sure that is, and what to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finesweep.records import Finalist
from finesweep.report.charts.picture import number, settings
from finesweep.report.records import SweepRecord
from finesweep.sweep.comparisons import verdict
from finesweep.sweep.gains import combination_gain, combination_tried
from finesweep.sweep.sentences import (
    ALPHA,
    baseline_score,
    baseline_verdict,
    chance_better,
    failed_confirmation,
    failed_seeds,
    next_commands,
    registered_as,
    spent_and_saved,
    time_spent,
    trial_counts,
    use_of_test_rows,
)
from finesweep.sweep.status import Row, command_in
from finesweep.wording import as_percentage, counted, counted_rows, duration

LIKELY, SURE = 0.8, 0.95
"""Probabilities from which a winner is called likely, and surely, better than the second."""
TESTED = ("accuracy", "f1", "loss", "roc_auc")


@dataclass(frozen=True)
class Headline:
    """What stands above everything else."""

    verdict: str
    tiles: Sequence[tuple[str, str, str]]
    """(what, its value, and a remark), the most important first."""
    points: Sequence[tuple[str, str]]
    """(question, answer in sentences)."""
    commands: Mapping[str, str]
    """Command → what it does."""


def headline(sweep: SweepRecord) -> Headline:
    """The first screen of a sweep's report, whatever state the sweep is in."""
    return Headline(_verdict(sweep), list(_tiles(sweep)), list(_points(sweep)), _commands(sweep))


def _verdict(sweep: SweepRecord) -> str:
    status, row = sweep.status, chosen_row(sweep)
    if row is None:
        if status.is_budget_spent:
            return "No trial completed, so there is no winner"
        return "Under way: no trial is complete yet"
    if sweep.finalist is not None:
        chance = chance_better(sweep.finalist)
        if sweep.finalist.picked is not None:
            return f"{row.model} is picked from the Pareto front"
        if failed_confirmation(status, sweep.finalist):
            return f"{row.model} wins the search; its confirmation failed"
        if chance is None:
            told = "no other was confirmed" if _confirmed(sweep.finalist) else "unconfirmed"
            return f"{row.model} wins the search, {told}"
        if chance >= SURE:
            return f"{row.model} wins clearly"
        likely = chance >= LIKELY
        return (
            f"{row.model} {'probably wins' if likely else 'wins, though the second may be as good'}"
        )
    if not status.is_budget_spent:
        return f"Under way: {row.model} leads so far"
    if sweep.status.confirmed:
        return f"The best trials are being confirmed: {row.model} led the search"
    return f"{row.model} leads; the winner is not evaluated yet"


def chosen_row(sweep: SweepRecord) -> Row | None:
    """The leaderboard's row of the winner, or of the best trial so far."""
    return next((row for row in sweep.leaderboard if row.trial == sweep.chosen), None)


def _tiles(sweep: SweepRecord) -> Iterator[tuple[str, str, str]]:
    row, finalist, status = chosen_row(sweep), sweep.finalist, sweep.status
    if row is not None:
        confirmed = _confirmed(finalist)
        value = confirmed["mean"] if confirmed else row.value
        remark = f"mean of {counted(confirmed['n_seeds'], 'fresh seed')}" if confirmed else "search"
        yield sweep.metric, number(value), remark
    if finalist is not None and "test/accuracy" in finalist.test_metrics:
        interval = finalist.test_intervals.get("test/accuracy")
        remark = f"95 %: {interval[0]:.1%} to {interval[1]:.1%}" if interval else "no interval"
        yield "test accuracy", f"{finalist.test_metrics['test/accuracy']:.1%}", remark
        if sweep.baseline is not None:
            theirs = sweep.baseline.test_metrics["test/accuracy"]
            gain = 100 * (finalist.test_metrics["test/accuracy"] - theirs)
            is_sure = sweep.baseline.p <= ALPHA
            remark = "points, significant" if is_sure else "points, NOT significant"
            yield "against TF-IDF", f"{gain:+.1f}", remark
    finished = sum(status.counts[name] for name in ("complete", "pruned", "failed"))
    yield "trials", f"{finished:,} of {status.target:,}", _short_counts(status.counts)
    if total := sum(spent_and_saved(status.spent, at_least=0)[0].values()):
        wall = f"{duration(sweep.wall_seconds)} on the clock" if sweep.wall_seconds else ""
        yield "work", duration(total), wall


def _short_counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{n:,} {state}" for state, n in counts.items() if n)


def _points(sweep: SweepRecord) -> Iterator[tuple[str, str]]:
    row, finalist = chosen_row(sweep), sweep.finalist
    if state := " ".join(_state(sweep)):
        yield "Where it stands", state
    if row is not None:
        which = "Which settings won" if finalist else "Which settings lead"
        origin = f" Its settings were {row.origin}." if row.origin == "enqueued" else ""
        yield which, f"Trial {row.trial}: {row.model}, {settings(row.params)}.{origin}"
        picked = finalist.picked if finalist else None
        if picked is not None:
            yield "Why this one", f"By {picked['rule']}: {picked['why']}."
        else:
            yield "By how much", _margin(sweep, row)
        yield "How sure", _certainty(sweep, row)
    if finalist is not None:
        yield "On the test rows", _tested(finalist)
    if combined := " ".join(_combined(sweep)):
        yield "Seeds combined", combined
    yield "Does it beat TF-IDF", _baseline(sweep)
    if sweep.comparisons:
        yield "Which model", " ".join(verdict(each) for each in sweep.comparisons)
    yield "What it cost", _cost(sweep)
    if sweep.prune_audit is not None:
        yield "Was pruning right", f"{str(sweep.prune_audit).replace('prune', 'Prune', 1)}."
    if doubts := finalist.doubts if finalist else ():
        yield "Doubts", " ".join(f"{doubt[0].upper()}{doubt[1:]}." for doubt in doubts)
    if sweep.missing or sweep.omissions:
        omitted = [f"Left out: {what}: {why}." for what, why in sweep.omissions.items()]
        yield "What is missing here", " ".join([*(f"{each}." for each in sweep.missing), *omitted])


def _state(sweep: SweepRecord) -> Iterator[str]:
    status = sweep.status
    if status.is_budget_spent and sweep.finalist is not None:
        return
    if n_workers := len(status.workers):
        left = f", about {duration(status.seconds_left)} left" if status.seconds_left else ""
        yield f"{counted(n_workers, 'worker')} running{left}."
    elif not status.is_budget_spent:
        yield "No worker is running."
    if status.stopped:
        yield f"No new trials: {status.stopped}."
    if status.is_budget_spent and sweep.chosen is not None:
        yield "All trials are finished; the winner is confirmed and tested next."
    if status.failures:
        first = status.failures[0]
        n_failed = counted(len(status.failures), "failed trial")
        yield f"{n_failed}; trial {first['trial']}: {first['reason']}."
    if failed := failed_seeds(status):
        yield f"{failed}."


def _margin(sweep: SweepRecord, row: Row) -> str:
    """The distance to the second, over fresh seeds if there are any."""
    confirmed = _confirmed(sweep.finalist)
    rivals = [
        each for each in sweep.status.confirmed if each["trial"] != row.trial and each["n_seeds"]
    ]
    if confirmed and rivals:
        named = [each for each in rivals if each["trial"] == confirmed.get("runner_up")]
        second = (named or rivals)[0]
        gap = _better_by(sweep, confirmed["mean"], second["mean"])
        return (
            f"{sweep.metric} {confirmed['mean']:.4f}, the mean of"
            f" {counted(confirmed['n_seeds'], 'fresh seed')}; trial {second['trial']}, the second,"
            f" has {second['mean']:.4f}: {gap}."
        )
    others = [
        each for each in sweep.leaderboard if each.state == "COMPLETE" and each.trial != row.trial
    ]
    if not others:
        return f"{sweep.metric} {number(row.value)}; no other trial is complete."
    second_row = others[0]
    gap = _better_by(sweep, row.value or 0.0, second_row.value or 0.0)
    return (
        f"{sweep.metric} {number(row.value)} in the search; trial {second_row.trial}"
        f" ({second_row.model}), the second, has {number(second_row.value)}: {gap}."
    )


def _better_by(sweep: SweepRecord, value: float, second: float) -> str:
    gap = value - second if sweep.is_better_higher else second - value
    return f"{abs(gap):.4f} {'better' if gap >= 0 else 'worse'}"


def _certainty(sweep: SweepRecord, row: Row) -> str:
    confirmed = _confirmed(sweep.finalist)
    if confirmed is None:
        return (
            f"Not confirmed{_why_unconfirmed(sweep)}. The best of many noisy results is too"
            " optimistic, and the second may be as good."
        )
    parts = []
    if confirmed.get("low") is not None:
        parts.append(
            f"95 % interval of the mean {confirmed['low']:.4f} to {confirmed['high']:.4f}."
        )
    if sweep.finalist and (chance := chance_better(sweep.finalist)) is not None:
        parts.append(f"Better than the second with probability {chance:.2f}: {_odds(chance)}.")
    gap = confirmed["optimism_gap"] * (1 if sweep.is_better_higher else -1)
    kind = "too optimistic" if gap > 0 else "no better than it was"
    parts.append(
        f"Optimism gap: the search saw {confirmed['searched']:.4f}, {abs(gap):.4f} {kind}."
    )
    return " ".join(parts)


def _why_unconfirmed(sweep: SweepRecord) -> str:
    if sweep.finalist is None or not sweep.is_decided:
        return " with fresh seeds yet"
    if failed := failed_confirmation(sweep.status, sweep.finalist):
        return f", because {failed}"
    return " with fresh seeds in this sweep (sweep.confirm=null)"


def _odds(chance: float) -> str:
    if chance >= SURE:
        return "surely the better one"
    return "likely the better one" if chance >= LIKELY else "little more than a toss-up"


def _combined(sweep: SweepRecord) -> Iterator[str]:
    lines = [] if sweep.finalist is None else combination_gain(sweep.finalist)
    tried = sweep.status.combination
    for line in [*([] if tried is None else [combination_tried(tried, sweep.metric)]), *lines]:
        yield f"{line[0].upper()}{line[1:]}."


def _tested(finalist: Finalist) -> str:
    scores = []
    for name in TESTED:
        if (value := finalist.test_metrics.get(f"test/{name}")) is not None:
            interval = finalist.test_intervals.get(f"test/{name}")
            bounds = f" ({interval[0]:.4f} to {interval[1]:.4f})" if interval else ""
            scores.append(f"{name} {value:.4f}{bounds}")
    use = use_of_test_rows(finalist)
    return (
        f"{', '.join(scores)}, on {counted_rows(finalist.test_rows)}{use and f', {use}'};"
        f" in brackets 95 % intervals over rows. The most frequent class alone would be right on"
        f" {as_percentage(finalist.majority_accuracy)}."
    )


def _baseline(sweep: SweepRecord) -> str:
    if sweep.baseline is None:
        if sweep.is_decided:
            return "It was not compared (sweep.baseline=false, or the comparison failed)."
        return "Compared once the sweep has ended."
    sentence = baseline_verdict(sweep.baseline)
    verb = "Yes: " if sweep.baseline.p <= ALPHA else "No: "
    return f"{verb}{sentence}. {baseline_score(sweep.baseline)}."


def _cost(sweep: SweepRecord) -> str:
    parts = [f"{trial_counts(sweep.status)}."]
    if spent := time_spent(sweep.status.spent):
        parts.append(f"{spent[0].upper()}{spent[1:]}.")
    if sweep.status.interrupted_attempts:
        attempts = counted(sweep.status.interrupted_attempts, "interrupted attempt")
        parts.append(f"{attempts} retried.")
    return " ".join(parts)


def _commands(sweep: SweepRecord) -> dict[str, str]:
    status, name = sweep.status, sweep.status.study
    if not status.is_budget_spent or sweep.finalist is None:
        resume = {command_in(sweep.attributes): "goes on where it ended"}
        if status.workers:
            resume = {
                shlex.join(["finesweep", "status", name, "--watch"]): "shows it as it goes on"
            }
        return {**resume, shlex.join(["finesweep", "ui", name]): "shows its runs in MLflow"}
    return next_commands(status, sweep.attributes)


def _confirmed(finalist: Finalist | None) -> Mapping[str, Any] | None:
    """The winner's confirmation; None without one."""
    record = finalist.confirmed if finalist else None
    return record if record and record.get("mean") is not None else None


def registered(sweep: SweepRecord) -> str:
    """The registered version, as a sentence; empty without one."""
    text = registered_as(sweep.status) if sweep.finalist else ""
    return f"{text[0].upper()}{text[1:]}." if text else ""
