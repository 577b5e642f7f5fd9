"""Hydra's grid: the runs that overrides with several values each make together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import cast

from hydra.core.override_parser.types import Glob, Override, ValueType

from finesweep.config.compose import group_choices
from finesweep.config.overrides.grammar import parse_override
from finesweep.errors import ConfigError, Problem, nearest


def grid(overrides: Sequence[str]) -> list[list[str]]:
    """The plain overrides of each run: every value of each key with every value of the others.

    The last key varies fastest; of one that is given twice the last counts. ConfigError for what
    cannot be counted off, or has no value.
    """
    values = dict[str, list[str]]()
    for override in map(parse_override, overrides):
        key = override.get_key_element()
        values[key] = [f"{key}={value}" for value in _values(override)]
    return [list(run) for run in product(*values.values())]


def _values(override: Override) -> list[str]:
    """In Hydra's grammar."""
    path = override.key_or_group
    if override.value_type is ValueType.INTERVAL_SWEEP:
        problem = "interval() is for finesweep sweep; a grid takes choice() or range()"
        raise ConfigError(Problem(path, problem))
    if override.value_type is ValueType.GLOB_CHOICE_SWEEP:
        known = group_choices(path)
        matched = cast("Glob", override.value()).filter(known)
        if not matched:
            raise ConfigError(Problem(path, f"glob() matches no choice; {nearest('', known)}"))
        return matched
    if override.is_sweep_override():
        return list(override.sweep_string_iterator())
    return [override.get_value_element_as_str()]
