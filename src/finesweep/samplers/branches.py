"""The branches of a conditional search space: each is a set of parameters that a trial has.

Under `model=bert` a trial has other dimensions than under `model=distilbert`, and a sampler that
draws all parameters of a trial at once must know which belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

from finesweep.samplers.encoding import Space, value_at


@dataclass(frozen=True)
class Branch:
    """The parameters of one kind of trial."""

    space: Space
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Parameter → the values that it has in this branch; others have their whole distribution."""

    def params(self, places: Sequence[float]) -> dict[str, Any]:
        """Parameter → value at these places in [0, 1], one for each parameter in order."""
        return {
            name: self._value(name, place) for name, place in zip(self.space, places, strict=True)
        }

    def restricted(self, fixed: Mapping[str, Any]) -> Branch | None:
        """The branch with these values alone; None when it does not have one of them."""
        if any(name in self.only and value not in self.only[name] for name, value in fixed.items()):
            return None
        own = {name: (value,) for name, value in fixed.items() if name in self.space}
        return Branch(self.space, {**self.only, **own})

    def _value(self, name: str, place: float) -> Any:
        if name not in self.only:
            return value_at(place, self.space[name])
        values = self.only[name]
        return values[min(int(place * len(values)), len(values) - 1)]


def branches_of(trials: Iterable[FrozenTrial]) -> list[Branch]:
    """The branches that these trials show, in order of their parameters' names.

    Trials with the same parameters are one branch. When there are several, a categorical parameter
    has in each only the values that it had there: they decided which parameters the trial has.
    A parameter whose distribution changed between trials is in none.
    """
    by_names: dict[frozenset[str], list[FrozenTrial]] = {}
    first: dict[str, BaseDistribution] = {}
    changing: set[str] = set()
    for trial in trials:
        by_names.setdefault(frozenset(trial.distributions), []).append(trial)
        for name, distribution in trial.distributions.items():
            if first.setdefault(name, distribution) != distribution:
                changing.add(name)
    return [
        Branch(
            {name: first[name] for name in sorted(names - changing)},
            _seen(by_names[names], names - changing) if len(by_names) > 1 else {},
        )
        for names in sorted(by_names, key=sorted)
    ]


def whole_space(branches: Iterable[Branch]) -> dict[str, BaseDistribution]:
    """Every parameter of the branches."""
    return {name: each for branch in branches for name, each in branch.space.items()}


def _seen(trials: Sequence[FrozenTrial], names: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """Categorical parameter → its values in these trials."""
    return {
        name: tuple(dict.fromkeys(trial.params[name] for trial in trials))
        for name in names
        if isinstance(trials[0].distributions[name], CategoricalDistribution)
    }
