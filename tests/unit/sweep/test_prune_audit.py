"""What trials that ran on despite the pruner say about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import optuna
import pytest
from optuna import Study
from optuna.pruners import MedianPruner
from optuna.trial import FrozenTrial, TrialState, create_trial

from finesweep.records import Direction
from finesweep.sweep.prune_audit import (
    PruneAudit,
    Rate,
    StopMark,
    audit_in,
    best_value,
    mark_of_slot,
)
from finesweep.sweep.study.keys import LEDGER, MODEL, PRUNE_AUDIT, SLOT
from finesweep.sweep.study.pruner import PerModelPruner

Curve = tuple[float, ...]
SLOW, FAST = (0.9, 0.8, 0.1), (0.5, 0.4, 0.3)


def simulated(curves: Iterable[Curve], *, audit: bool) -> Study:
    """A study of trials with these losses, all that the pruner stops audited, or none."""
    study = optuna.create_study(pruner=PerModelPruner(MedianPruner(n_startup_trials=1)))
    for curve in curves:
        trial = study.ask()
        trial.set_user_attr(MODEL, "bert")
        stopped_at = None
        for step, loss in enumerate(curve):
            trial.report(loss, step)
            if stopped_at is None and trial.should_prune():
                stopped_at = step
                if not audit:
                    break
                best = best_value(study.trials, "minimize", model="bert")
                trial.set_user_attr(PRUNE_AUDIT, asdict(StopMark(step, 1.0, best)))
        if stopped_at is None or audit:
            study.tell(trial, min(curve))
        else:
            study.tell(trial, state=TrialState.PRUNED)
    return study


def audit_of(curves: Iterable[Curve]) -> PruneAudit:
    audit = audit_in(simulated(curves, audit=True).trials, "minimize")
    assert audit is not None
    return audit


def test_a_pruner_that_stops_what_would_have_won_was_wrong() -> None:
    audit = audit_of([FAST, SLOW, SLOW])
    assert (audit.n_audited, audit.better_then.n, audit.better_finally.n) == (2, 2, 2)
    assert audit.median_regret == pytest.approx(0.2)
    assert (audit.better_then.low, audit.better_then.high) == pytest.approx((0.1581, 1), abs=1e-4)


def test_a_pruner_that_stops_what_would_have_ended_worse_was_right() -> None:
    audit = audit_of([FAST, (0.9, 0.8, 0.7), (0.6, 0.6, 0.6)])
    assert (audit.n_audited, audit.better_then.n, audit.better_finally.n) == (2, 0, 0)
    assert audit.median_regret is None
    assert (audit.better_then.low, audit.better_then.high) == pytest.approx((0, 0.8419), abs=1e-4)
    assert [each.regret for each in audit.trials] == [0.0, 0.0]


def test_what_was_wrong_then_may_not_have_cost_the_final_best() -> None:
    audit = audit_of([FAST, (0.9, 0.8, 0.2), (0.1, 0.1, 0.1)])
    assert (audit.better_then.n, audit.better_finally.n) == (1, 0)
    assert [each.step for each in audit.trials] == [0]


def test_the_pruner_stops_the_same_trials_with_and_without_the_audit() -> None:
    """In the median of complete trials the audited ones' later values would spare the last."""
    curves = [FAST, *[(0.9, 0.9, 0.9)] * 3, (0.6, 0.6, 0.6)]
    stopped = [t.number for t in simulated(curves, audit=False).trials if t.state.name == "PRUNED"]
    audited = [
        t.number for t in simulated(curves, audit=True).trials if PRUNE_AUDIT in t.user_attrs
    ]
    assert stopped == audited == [1, 2, 3, 4]


def made(number: int, state: TrialState, value: float | None, **attributes: Any) -> FrozenTrial:
    trial = create_trial(state=state, value=value, user_attrs=attributes)
    trial.number = number
    return trial


def marked(best: float | None, *, seconds: float = 0.0) -> dict[str, Any]:
    return {PRUNE_AUDIT: asdict(StopMark(step=8, seconds=seconds, best=best))}


@pytest.mark.parametrize(("direction", "n"), [("minimize", 0), ("maximize", 1)])
def test_the_metrics_direction_decides_what_is_better(direction: Direction, n: int) -> None:
    trials = [
        made(0, TrialState.COMPLETE, 0.5, **{MODEL: "bert"}),
        made(1, TrialState.COMPLETE, 0.75, **{MODEL: "bert"}, **marked(0.5)),
    ]
    audit = audit_in(trials, direction)
    assert audit is not None
    assert (audit.better_then.n, audit.better_finally.n) == (n, n)
    assert audit.trials[0].regret == 0.25 * n


def test_the_cost_is_what_all_attempts_spent_after_the_stop() -> None:
    ledger = {"seconds/training": 8.0, "seconds/saving": 2.0, "seconds_saved/cache": 99.0}
    trials = [
        made(0, TrialState.FAIL, None, **{LEDGER: ledger, **marked(0.5, seconds=4.0)}),
        made(1, TrialState.COMPLETE, 0.5, **{LEDGER: ledger, **marked(0.5)}),
        made(2, TrialState.COMPLETE, 0.5, **{LEDGER: ledger}),
        made(3, TrialState.FAIL, None, **marked(0.5)),  # killed
    ]
    audit = audit_in(trials, "minimize")
    assert audit is not None
    assert (audit.seconds, audit.n_audited) == (16.0, 1)


def test_without_a_best_any_end_is_better_and_has_no_regret() -> None:
    audit = audit_in([made(0, TrialState.COMPLETE, 0.5, **marked(None))], "minimize")
    assert audit is not None
    assert audit.better_then == audit.better_finally == Rate(1, pytest.approx(0.025), 1.0)
    assert (audit.trials[0].regret, audit.median_regret) == (None, None)


def test_there_is_no_audit_before_a_marked_trial_has_completed() -> None:
    running = made(0, TrialState.RUNNING, None, **marked(None))
    assert audit_in([running, made(1, TrialState.PRUNED, 0.5)], "minimize") is None


def test_a_slot_keeps_the_mark_of_its_first_stop() -> None:
    first, second = ({**marked(best), SLOT: 3} for best in (0.25, 0.5))
    trials = [made(n, TrialState.FAIL, None, **each) for n, each in enumerate((first, second))]
    assert mark_of_slot(trials, 3) == StopMark(8, 0.0, 0.25)
    assert mark_of_slot(trials, 4) is None


def test_the_record_is_json_and_one_sentence() -> None:
    audit = audit_of([FAST, SLOW, (0.9, 0.9, 0.9)])
    assert json.loads(json.dumps(asdict(audit)))["better_then"]["n"] == 1
    assert str(audit) == (
        "prune audit: of 2 trials that the pruner would have stopped, 1 ended better than their"
        " model's best at that time by 0.2 (median); pruning is wrong in 1 to 99 %, costs the final"
        " best in 1 to 99 % (95 % intervals); the audit took 0 s"
    )
