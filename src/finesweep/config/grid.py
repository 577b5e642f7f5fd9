"""Hydra's grid: the runs for all combinations of override values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import cast

from hydra.core.override_parser.types import Glob, Override, ValueType

from finesweep.config.compose import group_choices
from finesweep.config.overrides.grammar import parse_override
from finesweep.errors import ConfigError, Problem, nearest


def grid(overrides: Sequence[str]) -> list[list[str]]:
    """The plain overrides of each run: the Cartesian product of all keys' values.

    The last key varies fastest; if a key is repeated, the last one wins. ConfigError for an
    interval, or a glob without a match.
    """
    values = dict[str, list[str]]()
    for override in map(parse_override, overrides):
        key = override.get_key_element()
        values[key] = [f"{key}={value}" for value in _values(override)]
    return [list(run) for run in product(*values.values())]


def _values(override: Override) -> list[str]:
    """The override's values, as strings in Hydra's grammar."""
    path = override.key_or_group
    if override.value_type is ValueType.INTERVAL_SWEEP:
        problem = "interval() is for finesweep sweep; a grid takes choice() or range()"
        raise ConfigError(Problem(path, problem))
    if override.value_type is ValueType.GLOB_CHOICE_SWEEP:
        choices = group_choices(path)
        matches = cast("Glob", override.value()).filter(choices)
        if not matches:
            raise ConfigError(Problem(path, f"glob() matches no choice; {nearest('', choices)}"))
        return matches
    if override.is_sweep_override():
        return list(override.sweep_string_iterator())
    return [override.get_value_element_as_str()]
