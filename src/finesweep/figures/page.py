"""Self-contained HTML pages from the templates of this folder; every value in them is escaped."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_page(template: str, **values: Any) -> str:
    """The page of a file in templates, with the values as its variables."""
    return _environment().get_template(template).render(values)


def format_value(value: Any) -> str:
    """The text of a table cell: floats with four digits, None as `not known`."""
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
        "format_value": format_value,
        "base64": lambda png: base64.b64encode(png).decode(),
    }
    return environment
