"""Self-contained HTML pages from the templates of this folder; every value in them is escaped."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def rendered(template: str, **values: Any) -> str:
    """The page of templates/TEMPLATE, which reads the values by their names."""
    return _environment().get_template(template).render(values)


def shown(value: Any) -> str:
    """What a cell says of a value: four digits of a float, that it is not known of None."""
    if value is None:
        return "not known"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": shown,
        "base64": lambda png: base64.b64encode(png).decode(),
    }
    return environment
