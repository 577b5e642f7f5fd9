"""The schema's dotted paths: existence, types, and the nearest match for an unknown one."""

from __future__ import annotations

import difflib
import types
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from finesweep.config.meanings import explanation, field_by_other_name
from finesweep.config.schema import Config
from finesweep.errors import Problem, nearest

TYPO = 0.85
"""Similarity from which a name counts as a typo of another."""


@dataclass(frozen=True)
class Leaf:
    """One field: the types of its values, and its default."""

    kinds: frozenset[type[Any]]
    default: Any = MISSING

    @property
    def is_whole_number(self) -> bool:
        """Whether the field takes int but not float."""
        return int in self.kinds and float not in self.kinds


def field_exists(path: str) -> bool:
    """Whether the schema has this dotted path: a section, a field, or a key of a free mapping."""
    return path in _all_paths() or mapping_of(path) is not None


def mapping_of(path: str) -> str | None:
    """The path of the free mapping at a dotted path or above it; the rest of the path is a key."""
    parts = path.split(".")
    prefixes = (".".join(parts[:n]) for n in range(1, len(parts) + 1))
    return next((p for p in prefixes if (field := leaf(p)) and dict in field.kinds), None)


def mappings() -> list[str]:
    """The paths of all free mappings."""
    return [path for path, field in _all_paths().items() if field and dict in field.kinds]


def mapping_defaults() -> dict[str, dict[str, Any]]:
    """Path → the default of each mapping that has one."""
    leaves = {path: leaf(path) for path in mappings()}
    return {path: field.default for path, field in leaves.items() if field and field.default}


def section_class(path: str) -> type[Any] | None:
    """The dataclass of a section; None for fields and unknown paths."""
    return _sections().get(path)


def leaf(path: str) -> Leaf | None:
    """The type of the field at a dotted path; None for sections and unknown paths."""
    return _all_paths().get(path)


def is_default(path: str, value: Any) -> bool:
    """Whether value is the default of the field at `PATH`, or at `PATH|group=choice`."""
    field = leaf(path.partition("|")[0])
    return field is not None and bool(field.default == value)


def unknown_field(path: str) -> Problem:
    """The problem of an unknown dotted path, with a suggestion.

    The suggestion is, in this order: a typo's correction; the field with that name elsewhere
    (Transformers, Optuna, …) in the same section; the same name in another section; such a field in
    another section; the nearest by spelling.
    """
    section, _, last = path.rpartition(".")
    siblings = [name for name in _all_paths() if name.rpartition(".")[0] == section]
    candidates = siblings or [name for name in _all_paths() if not name.startswith("sweep.")]
    names = [name.rpartition(".")[2] for name in candidates]
    typo = difflib.get_close_matches(last, names, n=1, cutoff=TYPO) if siblings else []
    if not typo and (message := explanation(path)):
        return Problem(path, f"no such field; {message}")
    elsewhere = [name for name in _all_paths() if name.rpartition(".")[2] == last]
    field = field_by_other_name(path)
    if field is None or field.rpartition(".")[0] != section:
        field = next(iter(elsewhere), field)
    if not typo and field:
        listing = f" known: {', '.join(sorted(siblings))}" if len(siblings) > 1 else ""
        return Problem(path, f"no such field; did you mean {field!r}?{listing}")
    return Problem(path, f"no such field; {nearest(path, candidates)}")


@cache
def _all_paths() -> dict[str, Leaf | None]:
    return dict(_walk(Config, ""))


@cache
def _sections() -> dict[str, type[Any]]:
    return dict(_inner(Config, ""))


def _inner(schema: type[Any], prefix: str) -> list[tuple[str, type[Any]]]:
    hints = get_type_hints(schema)
    sections: list[tuple[str, type[Any]]] = []
    for field in fields(schema):
        for kind in filter(is_dataclass, _kinds(hints[field.name])):
            path = f"{prefix}{field.name}"
            sections += [(path, kind), *_inner(kind, f"{path}.")]
    return sections


def _walk(schema: type[Any], prefix: str) -> list[tuple[str, Leaf | None]]:
    hints = get_type_hints(schema)
    paths: list[tuple[str, Leaf | None]] = []
    for field in fields(schema):
        path = f"{prefix}{field.name}"
        section = next((kind for kind in _kinds(hints[field.name]) if is_dataclass(kind)), None)
        if section is None:
            paths.append((path, Leaf(_kinds(hints[field.name]), _default(field))))
        else:
            paths.append((path, None))
            paths += _walk(section, f"{path}.")
    return paths


def _default(field: Field[Any]) -> Any:
    if "default" in field.metadata:  # a mapping's default
        return field.metadata["default"]
    return field.default if field.default_factory is MISSING else field.default_factory()


def _kinds(hint: Any) -> frozenset[type[Any]]:
    if get_origin(hint) in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not types.NoneType]
        return frozenset(get_origin(part) or part for part in parts)
    return frozenset({get_origin(hint) or hint})
