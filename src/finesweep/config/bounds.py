"""Bounds of config fields, read from the schema's own metadata."""

from __future__ import annotations

from dataclasses import Field, fields, is_dataclass
from math import isfinite
from typing import Any

from finesweep.config.field_paths import unknown_field
from finesweep.errors import Problem, nearest

WORDS = {"above": "above", "minimum": "at least", "below": "below", "maximum": "at most"}
FREEZE_LAYERS = "0, a number of layers, or `all`"


def range_problems(config: Any, prefix: str = "") -> list[Problem]:
    """One Problem for each field of a (nested) dataclass that is outside its range."""
    problems: list[Problem] = []
    for field in fields(config):
        path = f"{prefix}{field.name}"
        value = getattr(config, field.name)
        if is_dataclass(value):
            problems += range_problems(value, prefix=f"{path}.")
        elif (complaint := _complaint(field, value)) is not None:
            problems.append(Problem(path, complaint))
    return problems


def stray_fields(config: Any, prefix: str = "") -> list[Problem]:
    """One Problem for each attribute that is not a field, such as `+path=value` adds."""
    names = {field.name for field in fields(config)}
    problems = [unknown_field(f"{prefix}{name}") for name in sorted(set(vars(config)) - names)]
    for name in sorted(names):
        if is_dataclass(section := getattr(config, name)):
            problems += stray_fields(section, prefix=f"{prefix}{name}.")
    return problems


def range_in_words(field: Field[Any]) -> str:
    """The permitted values of a field, such as `at least 1`; empty without a range."""
    if field.name == "freeze_layers":
        return FREEZE_LAYERS
    bounds = field.metadata
    if "one_of" in bounds:
        return f"one of {', '.join(bounds['one_of'])}"
    return _describe({name: bounds[name] for name in WORDS if name in bounds})


def _complaint(field: Field[Any], value: Any) -> str | None:
    if field.name == "freeze_layers":
        return _freeze_complaint(value)
    bounds = field.metadata
    if value is None or isinstance(value, dict) or not bounds:
        return None
    if "one_of" in bounds:
        choices = bounds["one_of"]
        return None if value in choices else f"{value!r} is not a choice; {nearest(value, choices)}"
    if _within(bounds, value):
        return None
    finite = "" if isfinite(value) else "finite and "
    return f"{value} given; must be {finite}{_describe(bounds)}"


def _within(bounds: Any, value: float) -> bool:
    # Comparisons are written so that NaN is always outside.
    return (
        value < float("inf")
        and ("above" not in bounds or value > bounds["above"])
        and ("minimum" not in bounds or value >= bounds["minimum"])
        and ("below" not in bounds or value < bounds["below"])
        and ("maximum" not in bounds or value <= bounds["maximum"])
    )


def _describe(bounds: Any) -> str:
    return " and ".join(f"{WORDS[name]} {bound}" for name, bound in bounds.items())


def _freeze_complaint(value: int | str) -> str | None:
    if value == "all" or (isinstance(value, int) and value >= 0):
        return None
    return f"{value!r} given; must be {FREEZE_LAYERS}"
