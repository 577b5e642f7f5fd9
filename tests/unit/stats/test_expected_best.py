"""What to expect of the best of n draws."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from finesweep.records import Direction
from finesweep.stats.expected_best import expected_best

VALUES = [0.5, 0.2, 0.9, 0.2]


@pytest.mark.parametrize(("direction", "better"), [("minimize", min), ("maximize", max)])
def test_it_is_the_mean_over_all_draws_with_replacement(direction: Direction, better: type) -> None:
    drawn = [np.mean([better(draw) for draw in product(VALUES, repeat=n)]) for n in (1, 2, 3, 4)]
    assert expected_best(VALUES, direction) == pytest.approx(drawn)


def test_one_value_is_expected_for_sure_and_none_is_an_error() -> None:
    assert expected_best([0.25], "minimize").tolist() == [0.25]
    with pytest.raises(ValueError, match="no values"):
        expected_best([], "minimize")
