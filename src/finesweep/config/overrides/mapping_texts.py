"""Mappings as texts: what Hydra's grammar has no words for, such as a key in quotes.

Hydra's keys are letters of English, digits and a few signs; a label is any text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

GIVEN = re.compile(r"(\+{0,2}[^={}\[\]()'\"]+)=\s*(\{.*\})\s*", re.S)
"""`path={…}`, also with plus signs in front."""


def mapping_of_text(text: str) -> dict[Any, Any] | None:
    """The mapping that a text spells as YAML, where `yes` and `off` are texts; None if it is none.

    A key that is null is the text of that name, for which alone a label can be meant.
    """
    try:
        parsed = yaml.load(text, _Loader)
    except (yaml.YAMLError, TypeError):  # a key that is a list
        return None
    return parsed if isinstance(parsed, dict) else None


def text_of_mapping(mapping: Mapping[Any, Any]) -> str:
    """YAML in one line of ASCII, which mapping_of_text reads back."""
    text: str = yaml.safe_dump(
        dict(mapping), default_flow_style=True, width=float("inf"), sort_keys=False
    )
    return text.strip()


def as_text(override: str) -> tuple[str, str] | None:
    """The path, with its plus signs, and the text of an override that gives a YAML mapping."""
    given = GIVEN.fullmatch(override)
    if given is None or mapping_of_text(given[2]) is None:
        return None
    return given[1], given[2]


class _Loader(yaml.SafeLoader):
    """YAML as OmegaConf reads it, whose 1e-5 is a number, but with true and false alone."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:\d[\d_]*)(?:\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)
