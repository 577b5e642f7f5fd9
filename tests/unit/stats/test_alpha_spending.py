"""All looks together stay below alpha."""

from __future__ import annotations

import pytest

from finesweep.stats.alpha_spending import alpha_of_look


def test_any_number_of_looks_spends_less_than_alpha() -> None:
    spent = [alpha_of_look(0.05, look) for look in range(1, 100_000)]
    assert sum(spent) < 0.05
    assert sum(spent) == pytest.approx(0.05, rel=1e-4)
    assert spent == sorted(spent, reverse=True)
    assert spent[0] == pytest.approx(0.0304, abs=1e-4)
