"""Files of conf/ that write out a whole section say what the schema says."""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from finesweep.config import schema

CONF = Path(__file__).parents[3] / "conf"
SECTIONS = {
    "training": schema.TrainingConfig,
    "adapt": schema.AdaptConfig,
    "registry": schema.RegistryConfig,
}
RANGE = {"above": "above {}", "minimum": "at least {}", "below": "below {}"}


def default_of(field: Field[Any]) -> Any:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return asdict(default) if is_dataclass(default) else default


def comments(text: str) -> dict[str, str]:
    """Field → its comment."""
    return dict(re.findall(r"^(\w+):.*?\s#\s+(.+)$", text, re.M))


@pytest.mark.parametrize("section", SECTIONS)
def test_a_default_file_holds_every_field_in_the_schemas_order(section: str) -> None:
    written = OmegaConf.to_container(OmegaConf.load(CONF / section / "default.yaml"))
    assert isinstance(written, dict)
    expected = {field.name: default_of(field) for field in fields(SECTIONS[section])}
    assert list(written.items()) == list(expected.items())
    assert [type(value) for value in written.values()] == list(map(type, expected.values()))


@pytest.mark.parametrize("section", SECTIONS)
def test_each_field_has_a_comment_that_says_its_range(section: str) -> None:
    said = comments((CONF / section / "default.yaml").read_text(encoding="utf-8"))
    for field in fields(SECTIONS[section]):
        comment, bounds = said[field.name], field.metadata
        for name in {"above", "below", "minimum"} & set(bounds):
            from_to = f"{bounds.get('minimum')} to below {bounds.get('below')}"
            assert RANGE[name].format(bounds[name]) in comment or from_to in comment, field.name
        assert all(choice in comment for choice in bounds.get("one_of", ())), field.name


def test_no_file_of_conf_is_empty() -> None:
    empty = [file for file in CONF.rglob("*.yaml") if not OmegaConf.load(file)]
    assert empty == []
