"""Trials of different studies as rows with the same columns."""

from __future__ import annotations

import numpy as np
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from finesweep.samplers.encoding import encoding_of, position, value_at

SPACES: list[BaseDistribution] = [
    FloatDistribution(-2.0, 6.0),
    FloatDistribution(1e-5, 1e-2, log=True),
    FloatDistribution(0.0, 1.0, step=0.25),
    IntDistribution(0, 6),
    IntDistribution(0, 12, step=2),
    IntDistribution(1, 64, log=True),
    CategoricalDistribution((128, 64, 256)),
]


@pytest.mark.parametrize("distribution", SPACES, ids=str)
def test_the_ends_of_a_range_are_0_and_1(distribution: BaseDistribution) -> None:
    assert position(value_at(0.0, distribution), distribution) == 0.0
    assert position(value_at(1.0, distribution), distribution) == 1.0


@pytest.mark.parametrize("distribution", SPACES, ids=str)
def test_values_lie_in_the_range_in_order(distribution: BaseDistribution) -> None:
    values = [value_at(place, distribution) for place in np.linspace(0, 1, 33)]
    assert values == sorted(values)
    assert [
        distribution.to_external_repr(distribution.to_internal_repr(v)) for v in values
    ] == values


@pytest.mark.parametrize("distribution", [IntDistribution(0, 3), IntDistribution(0, 6, step=2)])
def test_each_value_of_a_grid_has_an_equal_share(distribution: IntDistribution) -> None:
    values = [value_at(place, distribution) for place in np.linspace(0, 1, 4001)]
    shares = [values.count(value) / 4001 for value in sorted(set(values))]
    assert shares == pytest.approx([0.25] * 4, abs=0.01)


def test_a_conditional_parameter_is_its_field_as_a_share_of_its_range() -> None:
    large = {"depth|model=large": IntDistribution(0, 12)}
    small = {"depth|model=small": IntDistribution(0, 6)}
    encoding = encoding_of([large, small])

    rows = encoding.rows([({"depth|model=large": 6}, large), ({"depth|model=small": 3}, small)])

    assert encoding.numbers == ("depth",)
    np.testing.assert_array_equal(rows, [[0.5], [0.5]])


def test_a_category_is_a_column_for_each_value() -> None:
    space = {"model": CategoricalDistribution(("bert", "distilbert"))}
    encoding = encoding_of([space, {"model": CategoricalDistribution(("bert", "electra"))}])

    (row,) = encoding.rows([({"model": "distilbert"}, space)])

    assert encoding.categories == (("model", "bert"), ("model", "distilbert"), ("model", "electra"))
    np.testing.assert_array_equal(row, [0, 1, 0])


def test_a_field_with_numbers_and_other_values_has_a_place_and_a_column_for_each_other() -> None:
    large = {"depth|model=large": CategoricalDistribution((12, 0, "all", 6))}
    small = {"depth|model=small": IntDistribution(0, 6)}
    encoding = encoding_of([large, small])

    trials = [({"depth|model=large": depth}, large) for depth in (0, 6, 12, "all")]
    rows = encoding.rows([*trials, ({"depth|model=small": 3}, small)])

    assert (encoding.numbers, encoding.categories) == (("depth",), (("depth", "all"),))
    np.testing.assert_array_equal(rows, [[0, 0], [0.5, 0], [1, 0], [0.5, 1], [0.5, 0]])


ONE: list[BaseDistribution] = [
    CategoricalDistribution((2e-5,)),
    CategoricalDistribution((2e-5, "auto")),
    FloatDistribution(2e-5, 2e-5, log=True),
]


@pytest.mark.parametrize("distribution", ONE, ids=str)
def test_a_single_number_is_in_the_middle(distribution: BaseDistribution) -> None:
    assert position(2e-5, distribution) == 0.5
    assert encoding_of([{"rate": distribution}]).numbers == ("rate",)


def test_a_choice_between_true_and_false_has_no_numbers() -> None:
    flag = {"flag": CategoricalDistribution((True, False))}
    encoding = encoding_of([flag])
    assert (encoding.numbers, encoding.categories) == (
        (),
        (("flag", "False"), ("flag", "True")),
    )
    np.testing.assert_array_equal(encoding.rows([({"flag": True}, flag)]), [[0, 1]])


def test_a_parameter_that_a_trial_lacks_is_in_the_middle() -> None:
    encoding = encoding_of([{"a": FloatDistribution(0, 1), "b": FloatDistribution(0, 1)}])
    np.testing.assert_array_equal(
        encoding.rows([({"a": 1.0}, {"a": FloatDistribution(0, 1)})]), [[1.0, 0.5]]
    )
