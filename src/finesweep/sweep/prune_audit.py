"""The prune-regret audit: how often the pruner is wrong, from trials that ran on despite it.

A chosen share of the trials that the pruner would have stopped (sweep.prune_audit) run to their end
and are marked. Everything but the pruner takes them as the complete trials that they are: they are
ranked by their value, and the sampler learns from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from optuna.trial import FrozenTrial, TrialState

from finesweep.records import Direction
from finesweep.stats.proportion import clopper_pearson
from finesweep.sweep.study.keys import LEDGER, MODEL, PRUNE_AUDIT, SLOT
from finesweep.sweep.study.ranking import complete, ranked, worse_by
from finesweep.wording import counted


@dataclass(frozen=True)
class StopMark:
    """What a marked trial records when the pruner first would have stopped it."""

    step: int
    """Training examples seen."""
    seconds: float
    """Of this attempt, until then; 0 if an earlier attempt at the slot was stopped."""
    best: float | None
    """Value of the best complete trial of its model then, marked ones excepted; None without."""


@dataclass(frozen=True)
class AuditedTrial:
    """One trial that the pruner would have stopped, and its end."""

    trial: int
    model: str
    step: int
    """Training examples after which the pruner would have stopped it."""
    value: float
    best_then: float | None
    """As StopMark.best."""
    regret: float | None
    """How much better it ended than best_then, at least 0; None if there was no best."""


@dataclass(frozen=True)
class Rate:
    """How many of the audited trials, with a 95 % Clopper-Pearson interval for the share."""

    n: int
    low: float
    high: float


@dataclass(frozen=True)
class PruneAudit:
    """How often the pruner was wrong, and what it cost. Marked trials do not count for any best:
    without the audit they would have been stopped."""

    n_audited: int
    """Number of marked trials that completed."""
    n_pruned: int
    """Number of trials that were stopped."""
    better_then: Rate
    """Ended better than the best of their model at the time of the stop."""
    better_finally: Rate
    """Ended better than the best of all models at the end."""
    median_regret: float | None
    """Over the trials of better_then, in the metric's unit; None if there are none."""
    seconds: float
    """Of all marked trials after they would have been stopped: what the audit cost."""
    trials: tuple[AuditedTrial, ...]

    def __str__(self) -> str:
        """One sentence for people."""
        was_wrong = f"{self.better_then.n} ended better than their model's best at that time"
        regret = "" if self.median_regret is None else f" by {self.median_regret:.3g} (median)"
        return (
            f"prune audit: of {counted(self.n_audited, 'trial')} that the pruner would have"
            f" stopped, {was_wrong}{regret}; pruning is wrong in {_percent(self.better_then)},"
            f" costs the final best in {_percent(self.better_finally)} (95 % intervals);"
            f" the audit took {self.seconds:.0f} s"
        )


def audit_in(trials: Sequence[FrozenTrial], direction: Direction) -> PruneAudit | None:
    """The audit of a study's trials; None while no marked trial has completed."""
    marked = [trial for trial in complete(trials) if PRUNE_AUDIT in trial.user_attrs]
    if not marked:
        return None
    audited = tuple(_audited(trial, direction) for trial in marked)
    best = best_value(trials, direction)
    wrong = [each for each in audited if _is_better(each.value, each.best_then, direction)]
    regrets = [each.regret for each in wrong if each.regret is not None]
    return PruneAudit(
        n_audited=len(audited),
        n_pruned=sum(trial.state == TrialState.PRUNED for trial in trials),
        better_then=_rate(len(wrong), len(audited)),
        better_finally=_rate(
            sum(_is_better(each.value, best, direction) for each in audited), len(audited)
        ),
        median_regret=median(regrets) if regrets else None,
        seconds=sum(map(_seconds_after_stop, trials)),
        trials=audited,
    )


def best_value(
    trials: Iterable[FrozenTrial], direction: Direction, *, model: str | None = None
) -> float | None:
    """The best value of the complete trials without a mark, of one model or of all; None without
    any."""
    best = ranked(
        (
            trial
            for trial in trials
            if PRUNE_AUDIT not in trial.user_attrs and model in (None, trial.user_attrs.get(MODEL))
        ),
        direction,
    )
    return best[0].value if best else None


def mark_of_slot(trials: Iterable[FrozenTrial], slot: int) -> StopMark | None:
    """The mark of the slot's first marked attempt; None without one."""
    marks = (
        trial.user_attrs[PRUNE_AUDIT]
        for trial in trials
        if trial.user_attrs.get(SLOT) == slot and PRUNE_AUDIT in trial.user_attrs
    )
    return next((StopMark(**mark) for mark in marks), None)


def _audited(trial: FrozenTrial, direction: Direction) -> AuditedTrial:
    mark = StopMark(**trial.user_attrs[PRUNE_AUDIT])
    assert trial.value is not None
    worse = worse_by(direction)
    return AuditedTrial(
        trial=trial.number,
        model=trial.user_attrs.get(MODEL, ""),
        step=mark.step,
        value=trial.value,
        best_then=mark.best,
        regret=None if mark.best is None else max(0.0, worse(mark.best) - worse(trial.value)),
    )


def _is_better(value: float, best: float | None, direction: Direction) -> bool:
    """Any value is better than none."""
    return best is None or worse_by(direction)(value) < worse_by(direction)(best)


def _rate(n: int, n_trials: int) -> Rate:
    return Rate(n, *clopper_pearson(n, n_trials))


def _seconds_after_stop(trial: FrozenTrial) -> float:
    """Seconds of an attempt since its mark; 0 without one, or if the attempt was killed."""
    mark, ledger = trial.user_attrs.get(PRUNE_AUDIT), trial.user_attrs.get(LEDGER)
    if mark is None or ledger is None:
        return 0.0
    spent = sum(float(value) for name, value in ledger.items() if name.startswith("seconds/"))
    return max(0.0, spent - float(mark["seconds"]))


def _percent(rate: Rate) -> str:
    return f"{100 * rate.low:.0f} to {100 * rate.high:.0f} %"
