"""Help on config fields, for a terminal: value, type, range and meaning of each."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, is_dataclass
from types import NoneType
from typing import Any, get_args, get_origin

from finesweep.config.reference.fields import Described, described, section_text
from finesweep.config.schema import SweepConfig
from finesweep.databases import hidden_password

WIDTH = 79
WORDS = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    list: "list",
    dict: "mapping",
    NoneType: "null",
}
NOT_TRAINED = ("sweep", "published", "adapt", "launcher", "registry", "workers")
"""Sections and fields that `finesweep train` does not use."""


def training_help(values: Mapping[str, Any]) -> str:
    """The fields of a run, by dotted path; values are those that were composed."""
    own = [each for each in described() if each.path.split(".")[0] not in NOT_TRAINED]
    return "\n".join(_field(each, values) for each in own).lstrip("\n")


def sweep_help() -> str:
    """The keys of a sweep file, with their defaults."""
    own = described(SweepConfig)
    return "\n".join(_entry(each, f"{each.path}: {_default(each)}".rstrip()) for each in own)


def type_in_words(each: Described) -> str:
    """The type and the range, such as `whole number, at least 1, or null`."""
    kinds = [get_origin(kind) or kind for kind in (get_args(each.hint) or (each.hint,))]
    if get_origin(each.hint) in (list, dict):
        kinds = [get_origin(each.hint)]
    names = [WORDS[kind] for kind in kinds if kind in WORDS and kind is not NoneType]
    if int in kinds and float in kinds:
        names.remove(WORDS[int])
    if each.range:
        is_choice = "one_of" in each.field.metadata or each.field.name == "freeze_layers"
        names = [each.range] if is_choice else [f"{' or '.join(names)} {each.range}"]
    if any(is_dataclass(kind) for kind in kinds):
        names = [WORDS[dict]]
    return " or ".join([*names, *([WORDS[NoneType]] if NoneType in kinds else [])])


def _field(each: Described, values: Mapping[str, Any]) -> str:
    is_top = "." not in each.path
    if each.section is not None and is_top:
        return "\n" + textwrap.fill(f"{each.path}: {section_text(each.section)}", WIDTH)
    head = each.path if each.section else f"{each.path}={_shown(values, each)}"
    return ("\n" if is_top else "") + _entry(each, head)


def _entry(each: Described, head: str) -> str:
    kind = type_in_words(each)
    lines = [f"  {head}   {kind}" if kind else f"  {head}"]
    return "\n".join([*lines, *_wrapped(each.text)])


def _wrapped(text: str) -> Iterable[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * 6,
        subsequent_indent=" " * 6,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _shown(values: Mapping[str, Any], each: Described) -> str:
    value = values.get(each.path)
    return hidden_password(value) if isinstance(value, str) else json.dumps(value, default=str)


def _default(each: Described) -> str:
    if each.default is not MISSING:
        return json.dumps(each.default)
    return "" if each.section else "???"
