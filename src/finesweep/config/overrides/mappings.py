"""Overrides of mappings: a new mapping replaces the old one, where Hydra would merge the two.

Hydra also refuses keys that no file has, and fields of a section that is null.
https://github.com/facebookresearch/hydra/issues/2060
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from finesweep.config.field_paths import mapping_defaults, mapping_of, section_class
from finesweep.config.overrides.grammar import override_value
from finesweep.config.overrides.hydra_private import apply_as_hydra, apply_overrides_by, with_value
from finesweep.config.overrides.mapping_texts import mapping_of_text
from finesweep.errors import ConfigError, Problem, nearest

TARGET = "_target_"


def register() -> None:
    """Makes Hydra apply overrides with `apply`; idempotent."""
    apply_overrides_by(apply)


def apply(overrides: list[Override], config: DictConfig) -> None:
    """Applies each override to config in turn; raises ConfigError or Hydra's own errors.

    For a mapping, `path={…}` replaces it, `+path={…}` and `++path={…}` add keys, `path.key=value`
    sets one key, and `~path` and `~path.key` delete. For a section `path={…}` sets the fields that
    it names. Before all of them, a mapping that no file sets gets its default.
    """
    for path, default in mapping_defaults().items():
        if OmegaConf.select(config, path) == {}:
            OmegaConf.update(config, path, default, merge=False)
    _apply(overrides, config)


def _apply(overrides: list[Override], config: DictConfig) -> None:
    for override in overrides:
        path, value = override.key_or_group, override.value()
        _open_sections(config, path, override)
        mapping_path = mapping_of(path)
        if override.package is not None:
            apply_as_hydra([override], config)
        elif mapping_path is not None:
            _change(config, mapping_path, override)
        elif section_class(path) and isinstance(value, dict) and not override.is_delete():
            _apply(
                [with_value(override, path=f"{path}.{k}", value=value[k]) for k in value], config
            )
        else:
            apply_as_hydra([override], config)


def _change(config: DictConfig, mapping_path: str, override: Override) -> None:
    """Applies an override to the mapping at mapping_path."""
    section, path = mapping_path.rpartition(".")[0], override.key_or_group
    if OmegaConf.select(config, section) is None:
        raise ConfigError(Problem(path, "no sweep is composed here; see finesweep sweep"))
    node = OmegaConf.select(config, mapping_path)
    old = {} if node is None else OmegaConf.to_container(node)
    assert isinstance(old, dict)
    new = _changed(override, old, path[len(mapping_path) + 1 :])
    OmegaConf.update(config, mapping_path, new, merge=False)


def _open_sections(config: DictConfig, path: str, override: Override) -> None:
    """Gives a null section its defaults, once the section or one of its fields is set."""
    parts = path.split(".")
    for n in range(2 if parts[0] == "sweep" else 1, len(parts) + 1):
        section = ".".join(parts[:n])
        kind = section_class(section)
        is_set = n < len(parts) or isinstance(override.value(), dict)
        if kind is not None and is_set and not override.is_delete():
            parent = OmegaConf.select(config, section.rpartition(".")[0])
            if parent is not None and OmegaConf.select(config, section) is None:
                OmegaConf.update(config, section, OmegaConf.structured(kind), merge=False)


def _changed(override: Override, old: Mapping[Any, Any], key: str) -> dict[Any, Any] | None:
    """The mapping after one override; key is the rest of the override's path, if any."""
    path, value = override.key_or_group, override_value(override)
    adds = override.is_add() or override.is_force_add()
    if override.is_delete():
        return _without(old, key, path) if key else {}
    if key:
        return _with(old, key, value)
    if value is None:
        return None
    new = mapping_of_text(value) if isinstance(value, str) else value
    if not isinstance(new, dict):
        raise ConfigError(Problem(path, f"{value!r} given; must be a mapping: {{key: value, …}}"))
    return {**(old if adds else {}), **{_key(key): item for key, item in new.items()}}


def _with(old: Mapping[Any, Any], key: str, value: Any) -> dict[Any, Any]:
    """The mapping with one key set; in a `_target_` node a dot leads into its arguments."""
    first, _, rest = key.partition(".")
    if rest and TARGET in old:
        inner = old.get(first)
        node = inner if isinstance(inner, Mapping) else {TARGET: None}
        new = _with(node, rest, value)
        return {**old, first: {k: v for k, v in new.items() if k != TARGET or v is not None}}
    return {**old, _existing_key(old, key): value}


def _without(old: Mapping[Any, Any], key: str, path: str) -> dict[Any, Any]:
    first, _, rest = key.partition(".")
    if rest and isinstance(old.get(first), Mapping):
        return {**old, first: _without(old[first], rest, path)}
    existing = _existing_key(old, key)
    if existing not in old:
        message = f"no such key; {nearest(key, map(str, old))}"
        raise ConfigError(Problem(path, message))
    return {name: value for name, value in old.items() if name != existing}


def _existing_key(mapping: Mapping[Any, Any], key: str) -> Any:
    """The key with the mapping's type: a path is a string, but a label may be a number."""
    return next((existing for existing in mapping if str(existing) == key), key)


def _key(key: Any) -> Any:
    """The key, with null as the string: OmegaConf has no null keys, and a label may be "null"."""
    return "null" if key is None else key
