"""JSON Schema of config files, for editors: completion, types, ranges and meanings as one types."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Union, get_args, get_origin

from finesweep.config.field_paths import mappings
from finesweep.config.reference.fields import Described, described, section_text
from finesweep.config.schema import Config, SweepConfig
from finesweep.config.sweep_plan import RESERVED

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The draft that the YAML language server implements."""
TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    dict: "object",
    list: "array",
}
SWEEP_GRAMMAR = {
    "type": "string",
    "pattern": r"^\s*(choice|range|interval|int|float|tag|shuffle)\s*\(.*\)\s*$",
    "description": "a dimension: choice(a, b), range(start, stop, step), interval(low, high), "
    "int(interval(low, high)) or tag(log, interval(low, high))",
}
LATER = {"type": "string", "pattern": r"^\?\?\?$|\$\{.+\}"}
"""`???`, or a value with an interpolation."""
DEFAULTS = {"type": "array", "description": "Hydra's defaults list: other choices to start from."}
GROUPS = ("dataset", "model", "training", "experiment")
"""Config groups that a sweep may set for its trials."""


def sections() -> dict[str, type[Any]]:
    """Names of the schemas that there are: `config`, and each section that has a file."""
    found = {each.path: each.section for each in described() if each.section is not None}
    own = {name: kind for name, kind in found.items() if "." not in name and kind is not None}
    return {"sweep": own.pop("sweep"), **own, "config": Config}


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of `sweeps/*.yaml` for `sweep`, of conf/NAME/*.yaml for a section, and of a
    composed config for `config`."""
    section = sections()[name]
    tree = _object(section)
    if section is SweepConfig:
        tree["properties"] |= _trial_settings(tree["properties"])
        tree["required"] = ["n_trials"]
    if name != "config":
        tree["properties"]["defaults"] = DEFAULTS
    return {"$schema": DIALECT, "title": f"finesweep {name}", **tree}


def _object(section: type[Any]) -> dict[str, Any]:
    own = [each for each in described(section) if "." not in each.path]
    return {
        "type": "object",
        "description": section_text(section),
        "properties": {each.path: value_schema(each) for each in own},
        "additionalProperties": False,
    }


def value_schema(described_field: Described) -> dict[str, Any]:
    """The schema of one field's value."""
    each = described_field
    text = {"description": f"{each.text} ({each.range})" if each.range else each.text}
    default = {} if each.default is MISSING else {"default": each.default}
    if each.section is not None:
        inner = _object(each.section)
        inner |= {"description": each.text or inner["description"]}
        may_be_null = type(None) in get_args(each.hint)
        return {"anyOf": [inner, {"type": "null"}], **text} if may_be_null else inner
    kinds = [_kind(kind, each) for kind in _alternatives(each.hint)]
    takes_any_text = any(not kind or kind == {"type": "string"} for kind in kinds)
    kinds += [] if takes_any_text else [LATER]
    return {**text, **default, **(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})}


def _alternatives(hint: Any) -> list[Any]:
    is_union = get_origin(hint) in (Union, types.UnionType)
    return list(get_args(hint)) if is_union else [hint]


def _kind(kind: Any, each: Described) -> dict[str, Any]:
    if kind is Any:
        return {}
    if kind is type(None):
        return {"type": "null"}
    origin = get_origin(kind) or kind
    found: dict[str, Any] = {"type": TYPES[origin]}
    bounds = each.field.metadata
    if origin is str and "one_of" in bounds:
        found["enum"] = list(bounds["one_of"])
    if origin in (int, float):
        names = {"above": "exclusiveMinimum", "minimum": "minimum", "below": "exclusiveMaximum"}
        found |= {word: bounds[name] for name, word in names.items() if name in bounds}
    if origin is list and (inner := _alternatives(get_args(kind)[0])) != [Any]:
        found["items"] = _kind(inner[0], each) if len(inner) == 1 else {}
    if origin is dict and (values := get_args(kind)[1]) is not Any and not is_dataclass(values):
        found["additionalProperties"] = _kind(values, each)
    return found


def _trial_settings(own: dict[str, Any]) -> dict[str, Any]:
    """params, when and enqueue, whose keys are dotted paths of fields, or config groups."""
    plain = {each.path: value_schema(each) for each in _trial_fields()}
    groups = {group: _group(group) for group in GROUPS}
    free: dict[str, Any] = {
        rf"^{re.escape(path)}\.": {} for path in mappings() if _is_for_trials(path)
    }
    shared = {"type": "object", "additionalProperties": False, "patternProperties": free}
    searched = {
        path: {"description": each["description"], "anyOf": [each, SWEEP_GRAMMAR]}
        for path, each in (plain | groups).items()
    }
    params = {**shared, "properties": searched, "description": own["params"]["description"]}
    enqueued = {**shared, "properties": plain | groups}
    return {
        "params": params,
        "enqueue": {**own["enqueue"], "items": enqueued},
        "when": {
            "type": "object",
            "description": own["when"]["description"],
            "patternProperties": {r"^[\w/]+=.+$": params},
            "additionalProperties": False,
        },
    }


def _group(group: str) -> dict[str, Any]:
    text = f"choice of the group {group}: a file in conf/{group}, yours or a packaged one"
    return {"type": "string", "description": text}


def _trial_fields() -> Iterator[Described]:
    for each in described():
        if each.section is None and _is_for_trials(each.path):
            yield each


def _is_for_trials(path: str) -> bool:
    top = path.split(".")[0]
    return top not in (*RESERVED, "published") and top in {field.name for field in fields(Config)}
