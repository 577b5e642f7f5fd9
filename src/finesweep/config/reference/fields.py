"""Every field of the schema with its meaning, range and default, read from the schema's source."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any, get_args, get_type_hints

from omegaconf import MISSING as GIVEN_LATER

from finesweep.config import schema
from finesweep.config.bounds import range_in_words
from finesweep.config.schema import Config


@dataclass(frozen=True)
class Described:
    """One field of the schema."""

    path: str
    """Dotted, from the section that was asked for."""
    text: str
    """Its meaning, with its unit; one paragraph."""
    hint: Any
    """Its type, as annotated."""
    default: Any
    """MISSING where it must be given."""
    field: Field[Any]

    @property
    def range(self) -> str:
        """The permitted values in words; empty where the type says it all."""
        return range_in_words(self.field)

    @property
    def section(self) -> type[Any] | None:
        """The dataclass of a section; None for a field with a value."""
        kinds = (self.hint, *get_args(self.hint))
        return next((kind for kind in kinds if is_dataclass(kind) and isinstance(kind, type)), None)


def described(section: type[Any] = Config, prefix: str = "") -> Iterator[Described]:
    """The fields of a section and of the sections in it, a section before its fields."""
    hints, texts = get_type_hints(section), field_texts()[section.__name__]
    for field in fields(section):
        path = f"{prefix}{field.name}"
        found = Described(
            path, texts.get(field.name, ""), hints[field.name], _default(field), field
        )
        yield found
        if found.section is not None:
            yield from described(found.section, f"{path}.")


def section_text(section: type[Any]) -> str:
    """The meaning of a section: its dataclass's docstring, as one paragraph."""
    return " ".join((section.__doc__ or "").split())


@cache
def field_texts() -> dict[str, dict[str, str]]:
    """Dataclass → field → the docstring behind it, or its section's own; one paragraph each."""
    tree = ast.parse(inspect.getsource(schema))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    texts = {node.name: dict(_docstrings(node.body)) for node in classes}
    about = {node.name: " ".join((ast.get_docstring(node) or "").split()) for node in classes}
    for node in classes:
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                kind = ast.unparse(statement.annotation).removesuffix(" | None")
                own = texts[node.name].get(statement.target.id, "")
                texts[node.name][statement.target.id] = own or about.get(kind, "")
    return texts


def _docstrings(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for before, after in pairwise(body):
        if not isinstance(before, ast.AnnAssign) or not isinstance(before.target, ast.Name):
            continue
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if is_text and isinstance(text := after.value.value, str):  # type: ignore[attr-defined]
            yield before.target.id, " ".join(text.split())


def _default(field: Field[Any]) -> Any:
    if "default" in field.metadata:  # a mapping's default
        return field.metadata["default"]
    value = field.default if field.default_factory is MISSING else field.default_factory()
    return MISSING if value == GIVEN_LATER or is_dataclass(value) else value
