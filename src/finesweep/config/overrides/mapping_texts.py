"""Mappings as strings, for what Hydra's grammar cannot express, such as quoted keys.

Hydra's keys are ASCII letters, digits and a few signs; a label can be any string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

MAPPING_OVERRIDE = re.compile(r"(\+{0,2}[^={}\[\]()'\"]+)=\s*(\{.*\})\s*", re.S)
"""`path={…}`, optionally with leading plus signs."""


def mapping_of_text(text: str) -> dict[Any, Any] | None:
    """The YAML mapping in a string, with `yes` and `off` as strings; None if it is no mapping."""
    try:
        parsed = yaml.load(text, _Loader)
    except (yaml.YAMLError, TypeError):  # a key that is a list
        return None
    return parsed if isinstance(parsed, dict) else None


def text_of_mapping(mapping: Mapping[Any, Any]) -> str:
    """The mapping as one line of ASCII YAML, which mapping_of_text reads back."""
    text: str = yaml.dump(
        dict(mapping),
        Dumper=Dumper,
        default_flow_style=True,
        width=float("inf"),
        sort_keys=False,
    )
    return text.strip()


def split_mapping_override(override: str) -> tuple[str, str] | None:
    """The path, with its plus signs, and the YAML of an override whose value is a mapping; None for
    any other override."""
    match = MAPPING_OVERRIDE.fullmatch(override)
    if match is None or mapping_of_text(match[2]) is None:
        return None
    return match[1], match[2]


class _Loader(yaml.SafeLoader):
    """YAML as OmegaConf reads it, with 1e-5 as a number, but only true and false as booleans."""


class Dumper(yaml.SafeDumper):
    """Quotes strings that _Loader would read as numbers, such as the label "1e5"."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
for _kind in (_Loader, Dumper):
    _kind.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"[-+]?(?:\d[\d_]*)(?:\.\d*)?[eE][-+]?\d+$"),
        list("-+0123456789"),
    )
