"""Two models on the same rows, against published examples and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from finesweep.stats.paired_tests import (
    accuracy_difference,
    holm,
    mcnemar,
    mcnemar_two_sided,
    non_inferiority,
    rows_needed,
)


def test_mcnemar_is_exact_on_the_approval_ratings() -> None:
    """Agresti, Categorical Data Analysis: 150 approvals lost, 86 won; exact p 3.716e-05."""
    assert mcnemar_two_sided(86, 150) == pytest.approx(3.716e-05, rel=1e-3)
    assert mcnemar(150, 86) == pytest.approx(3.716e-05 / 2, rel=1e-3)
    assert mcnemar(86, 150) > 0.9999


def test_models_that_never_differ_are_not_separated() -> None:
    assert (mcnemar(0, 0), mcnemar_two_sided(0, 0)) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("n_gained", "n_lost", "n_rows", "low", "high"),
    [(1, 7, 21, -0.517, -0.026), (40, 20, 160, 0.0309, 0.2181)],
    ids=["airway (Fagerland et al. 2014)", "both rates well inside"],
)
def test_the_interval_of_a_difference_is_tangos(
    n_gained: int, n_lost: int, n_rows: int, low: float, high: float
) -> None:
    result = accuracy_difference(n_gained, n_lost, n_rows)
    assert result.value == pytest.approx((n_gained - n_lost) / n_rows)
    assert (result.low, result.high) == (
        pytest.approx(low, abs=5e-4),
        pytest.approx(high, abs=5e-4),
    )


@pytest.mark.parametrize(("n_gained", "n_lost"), [(0, 0), (5, 0), (0, 5), (30, 0), (0, 30)])
def test_an_interval_at_the_edge_holds_its_estimate(n_gained: int, n_lost: int) -> None:
    result = accuracy_difference(n_gained, n_lost, 30)
    assert -1 <= result.low <= result.value <= result.high <= 1
    assert result.low < result.high


def test_without_a_margin_the_score_is_mcnemars_own() -> None:
    from scipy import stats

    z = (25 - 10) / 35**0.5
    assert non_inferiority(25, 10, 300, margin=0.0) == pytest.approx(stats.norm.sf(z))


@pytest.mark.parametrize("n_rows", [300, 2000])
def test_non_inferiority_keeps_its_level_at_the_margin(n_rows: int) -> None:
    """A model that is worse by exactly the margin passes in about 5 % of cases."""
    drawn, margin = np.random.default_rng(1), 0.02
    counts = drawn.multinomial(n_rows, [0.03, 0.05, 0.92], size=4000)
    passed = [non_inferiority(g, lost, n_rows, margin=margin) <= 0.05 for g, lost, _ in counts]
    assert np.mean(passed) == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize(
    ("gained", "lost", "margin"), [(0.06, 0.04, 0.0), (0.04, 0.04, 0.01), (0.05, 0.04, 0.005)]
)
def test_the_needed_rows_decide_four_times_in_five(
    gained: float, lost: float, margin: float
) -> None:
    n = rows_needed(int(gained * 1e6), int(lost * 1e6), 10**6, alpha=0.05, margin=margin)
    assert n is not None
    drawn = np.random.default_rng(2)
    counts = drawn.multinomial(n, [gained, lost, 1 - gained - lost], size=1000)
    passed = [non_inferiority(g, el, n, margin=margin) <= 0.05 for g, el, _ in counts]
    assert np.mean(passed) == pytest.approx(0.8, abs=0.05)


def test_no_number_of_rows_helps_a_worse_model() -> None:
    assert rows_needed(4, 9, 100, alpha=0.05) is None
    assert rows_needed(4, 4, 100, alpha=0.05) is None
    assert rows_needed(0, 0, 100, alpha=0.05, margin=0.01) is not None


def test_holm_adjusts_as_published() -> None:
    """The example of R's p.adjust: 0.01, 0.02, 0.03, 0.04 become 0.04, 0.06, 0.06, 0.06."""
    assert holm([0.01, 0.03, 0.02, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_p_values_are_those_of_scipys_own_tests() -> None:
    """They are computed without scipy.stats, which takes a second to import."""
    for n_gained in range(30):
        for n_lost in (*range(30), 400):
            n = n_gained + n_lost
            if n == 0:
                continue
            for p, alternative in (
                (mcnemar(n_gained, n_lost), "greater"),
                (mcnemar_two_sided(n_gained, n_lost), "two-sided"),
            ):
                theirs = stats.binomtest(n_gained, n, 0.5, alternative=alternative).pvalue
                assert p == pytest.approx(theirs, rel=1e-12, abs=1e-12)
