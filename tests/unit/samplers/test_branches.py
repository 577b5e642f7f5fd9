"""The branches of a conditional search space."""

from __future__ import annotations

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import create_trial

from finesweep.samplers.branches import Branch, branches_of, whole_space

MODEL = CategoricalDistribution(("large", "small"))
LENGTH = CategoricalDistribution((64, 128))
RATE = FloatDistribution(0.0, 1.0)


def trial(model: str, **more: object):  # type: ignore[no-untyped-def]
    depth = f"depth|model={model}"
    distributions = {"model": MODEL, "rate": RATE, depth: IntDistribution(0, 3)}
    return create_trial(
        params={"model": model, "rate": 0.5, depth: 1}, distributions=distributions, value=0.0
    )


def test_trials_with_other_parameters_are_other_branches() -> None:
    large, small = branches_of([trial("small"), trial("large"), trial("large")])

    assert list(large.space) == ["depth|model=large", "model", "rate"]
    assert large.only == {"model": ("large",)}
    assert small.only == {"model": ("small",)}
    assert whole_space([large, small])["model"] == MODEL


def test_trials_with_the_same_parameters_leave_categories_free() -> None:
    (branch,) = branches_of([trial("large")])
    assert branch.only == {}


def test_a_parameter_whose_distribution_changed_is_in_no_branch() -> None:
    other = create_trial(
        params={"rate": 3.0}, distributions={"rate": FloatDistribution(0.0, 9.0)}, value=0.0
    )
    same = create_trial(params={"rate": 0.3}, distributions={"rate": RATE}, value=0.0)
    assert branches_of([other, same]) == [Branch({})]


def test_a_branch_without_a_fixed_value_is_none() -> None:
    branch = Branch({"model": MODEL, "length": LENGTH}, {"model": ("large",)})

    assert branch.restricted({"model": "small"}) is None
    fixed = branch.restricted({"length": 128})
    assert fixed is not None
    assert fixed.params([0.0, 0.0]) == {"model": "large", "length": 128}
