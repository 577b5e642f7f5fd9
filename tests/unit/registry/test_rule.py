"""The rule of promotion, as a table of cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from finesweep.registry.records import Requirements, Scored
from finesweep.registry.rule import Mode, decide, flipped
from finesweep.stats.alpha_spending import alpha_of_look

N = 1000
OPEN = Requirements(minimum={}, latency_ms=None, recall_loss=None)
LABELS = np.arange(N) % 2


def scored(wrong: range | np.ndarray = range(0), **fields: Any) -> Scored:
    """A model that is wrong on these rows."""
    predicted = LABELS.copy()
    predicted[list(wrong)] = 1 - predicted[list(wrong)]
    accuracy = float((predicted == LABELS).mean())
    plain = Scored(
        version="1",
        fingerprint="rows",
        label_names=("bad", "good"),
        labels=LABELS,
        predicted=predicted,
        metrics={"test/accuracy": accuracy},
        latency_ms=10.0,
        size_bytes=100_000_000,
    )
    return replace(plain, **fields)


CHAMPION = scored(range(100))
BETTER, EQUAL, WORSE = range(60), range(50, 150), range(160)
FASTER = {"latency_ms": 6.0, "size_bytes": 60_000_000}


@pytest.mark.parametrize(
    ("mode", "wrong", "fields", "promoted"),
    [
        ("superiority", BETTER, {}, True),
        ("superiority", EQUAL, FASTER, False),
        ("superiority", WORSE, FASTER, False),
        ("superiority", range(97), {}, False),
        ("non-inferiority", range(101), FASTER, True),
        ("non-inferiority", range(101), {"size_bytes": 90_000_000}, True),
        ("non-inferiority", range(101), {"latency_ms": 9.0}, True),
        ("non-inferiority", range(101), {"latency_ms": 9.9, "size_bytes": 99_000_000}, False),
        ("non-inferiority", BETTER, {}, False),
        ("non-inferiority", WORSE, FASTER, False),
        ("non-inferiority", EQUAL, FASTER, False),
    ],
)
def test_a_challenger_is_promoted_when_the_rows_say_so(
    mode: Mode, wrong: range, fields: dict[str, Any], promoted: bool
) -> None:
    decision = decide(scored(wrong, **fields), CHAMPION, requirements=OPEN, mode=mode, margin=0.01)
    assert decision.promoted is promoted, decision.checks
    assert (decision.mode, decision.numbers["rows"]) == (mode, N)


@pytest.mark.parametrize(
    ("requirements", "failed"),
    [
        (Requirements({"test/accuracy": 0.95}, None, None), "test/accuracy"),
        (Requirements({"test/f1": 0.1}, None, None), "test/f1"),
        (Requirements({}, 9.9, None), "latency"),
        (Requirements({"test/accuracy": 0.94}, 10.0, 0.0), None),
    ],
)
@pytest.mark.parametrize("champion", [None, CHAMPION])
def test_the_gates_hold_with_and_without_a_champion(
    requirements: Requirements, failed: str | None, champion: Scored | None
) -> None:
    decision = decide(scored(BETTER), champion, requirements=requirements)
    assert [check.name for check in decision.checks if not check.passed] == (
        [failed] if failed else []
    )
    assert decision.promoted is (failed is None)


def test_the_first_champion_is_compared_with_nothing() -> None:
    decision = decide(scored(WORSE), None, requirements=OPEN)
    assert (decision.promoted, decision.checks, decision.numbers) == (True, (), {})


def test_no_class_may_pay_for_the_others() -> None:
    evens = np.arange(0, 200, 2)  # all of class 0
    decision = decide(
        scored(np.arange(100, 132, 2)),
        scored(np.concatenate([np.arange(1, 200, 2)])),
        requirements=Requirements({}, None, 0.02),
    )
    assert not decision.promoted
    assert [check.passed for check in decision.checks] == [False, True]
    assert decision.checks[0].found.startswith("bad changes by -0.0320")
    assert decide(
        scored(range(1)), scored(evens), requirements=Requirements({}, None, 0.02)
    ).promoted


def test_each_look_may_spend_less() -> None:
    challenger, champion = scored(range(100, 175)), scored(range(100))
    first = decide(challenger, champion, requirements=OPEN, look=1)
    assert first.numbers["p"] == pytest.approx(0.0346, abs=1e-3)
    assert first.numbers["alpha_of_look"] == alpha_of_look(0.05, 1)
    assert not first.promoted  # 0.0346 is below alpha, but not below this look's share
    assert decide(challenger, champion, requirements=OPEN, alpha=0.06, look=1).promoted
    assert not decide(challenger, champion, requirements=OPEN, alpha=0.06, look=2).promoted


def test_it_says_how_many_rows_would_decide_it() -> None:
    close = decide(scored(range(100, 185)), CHAMPION, requirements=OPEN)
    assert not close.promoted
    assert close.rows_needed is not None
    assert 3 * N < close.rows_needed < 15 * N
    assert decide(scored(WORSE), CHAMPION, requirements=OPEN).rows_needed is None
    assert decide(scored(BETTER), CHAMPION, requirements=OPEN).rows_needed is None


def test_other_rows_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different test rows"):
        decide(scored(fingerprint="others"), CHAMPION, requirements=OPEN)


def test_the_interval_and_the_verdict_agree() -> None:
    """One-sided at the look's alpha: the lower bound says what p says, but for exactness."""
    for n_wrong in (60, 80, 90, 97, 100, 120):
        decision = decide(
            scored(range(100, 100 + n_wrong), **FASTER),
            CHAMPION,
            requirements=OPEN,
            mode="non-inferiority",
            margin=0.02,
        )
        assert decision.promoted is (decision.numbers["difference_low"] > -0.02)


def test_flipped_rows_are_those_that_one_alone_gets_right() -> None:
    gained, lost = flipped(scored(EQUAL), CHAMPION)
    assert (gained.tolist(), lost.tolist()) == (list(range(50)), list(range(100, 150)))


@pytest.mark.parametrize("n_looks", [1, 10])
def test_equal_models_are_promoted_in_at_most_five_percent(n_looks: int) -> None:
    """A/A: 1,000 test sets, each looked at by so many challengers no better than the champion."""
    drawn, n_promoted = np.random.default_rng(n_looks), 0
    for _ in range(1000):
        hard = drawn.uniform(size=N) < 0.2  # half of these are wrong, for each model anew
        champion = scored(np.flatnonzero(hard & (drawn.uniform(size=N) < 0.5)))
        n_promoted += any(
            decide(
                scored(np.flatnonzero(hard & (drawn.uniform(size=N) < 0.5))),
                champion,
                requirements=OPEN,
                look=look,
            ).promoted
            for look in range(1, n_looks + 1)
        )
    assert n_promoted <= 50 + 2 * 6.9  # two standard deviations of the noise at 5 %


def several(wrong: range, label: int = 0, **fields: Any) -> Scored:
    """A model of three labels that is wrong about one of them on these rows."""
    labels = (np.arange(N)[:, None] >> np.arange(3)) & 1
    predicted = labels.copy()
    predicted[list(wrong), label] ^= 1
    names = ("rude", "funny", "loud")
    return scored(labels=labels, predicted=predicted, label_names=names, **fields)


def test_of_several_labels_a_row_is_right_when_all_are() -> None:
    old, new = several(range(100), 0), several(range(60, 100), 2)
    gained, lost = flipped(new, old)
    assert gained.tolist() == list(range(60))
    assert lost.tolist() == []
    assert decide(new, old, requirements=OPEN).promoted
    assert not decide(old, new, requirements=OPEN).promoted


def test_of_several_labels_none_may_lose_more_recall_than_allowed() -> None:
    requirements = replace(OPEN, recall_loss=0.05)
    old, new = several(range(100), 0), several(range(60), 2)
    (check,) = [
        c
        for c in decide(new, old, requirements=requirements).checks
        if c.name == "recall of each class"
    ]
    missed = sum((row >> 2) & 1 for row in range(60))
    held = sum((row >> 2) & 1 for row in range(N))
    assert f"loud changes by {-missed / held:+.4f}" in check.found
    assert not check.passed
