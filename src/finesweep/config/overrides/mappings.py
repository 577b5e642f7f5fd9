"""Overrides of mappings: one that is given replaces the one there was; Hydra would merge the two.

Hydra closes all mappings too, so that a key which no file names is refused; and it has no way into
a section that is null. https://github.com/facebookresearch/hydra/issues/2060
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from finesweep.config.field_paths import mapping_defaults, mapping_of, section_class
from finesweep.config.overrides.grammar import given_value
from finesweep.config.overrides.hydra_private import apply_overrides_by, hydras_own, with_value
from finesweep.config.overrides.mapping_texts import mapping_of_text
from finesweep.errors import ConfigError, Problem, nearest

TARGET = "_target_"


def register() -> None:
    """Makes Hydra apply overrides as `apply` does; doing it again changes nothing."""
    apply_overrides_by(apply)


def apply(overrides: list[Override], config: DictConfig) -> None:
    """Changes config by each override in turn; ConfigError, or what Hydra raises of the others.

    Of a mapping, `path={…}` replaces it, `+path={…}` and `++path={…}` add their keys to it,
    `path.key=value` sets one key, and `~path` and `~path.key` take away. Of a section `path={…}`
    sets the fields that it names. Before all of them, a mapping that no file gave has its default.
    """
    for where, default in mapping_defaults().items():
        if OmegaConf.select(config, where) == {}:
            OmegaConf.update(config, where, default, merge=False)
    _apply(overrides, config)


def _apply(overrides: list[Override], config: DictConfig) -> None:
    """Changes config by each override in turn."""
    for override in overrides:
        path, value = override.key_or_group, override.value()
        _open_sections(config, path, override)
        where = mapping_of(path)
        if override.package is not None:
            hydras_own([override], config)
        elif where is not None:
            _change(config, where, override)
        elif section_class(path) and isinstance(value, dict) and not override.is_delete():
            _apply(
                [with_value(override, path=f"{path}.{k}", value=value[k]) for k in value], config
            )
        else:
            hydras_own([override], config)


def _change(config: DictConfig, where: str, override: Override) -> None:
    """Sets the mapping at where to what the override makes of it."""
    section, path = where.rpartition(".")[0], override.key_or_group
    if OmegaConf.select(config, section) is None:
        raise ConfigError(Problem(path, "no sweep is composed here; see finesweep sweep"))
    held = OmegaConf.select(config, where)
    before = {} if held is None else OmegaConf.to_container(held)
    assert isinstance(before, dict)
    OmegaConf.update(config, where, _changed(override, before, path[len(where) + 1 :]), merge=False)


def _open_sections(config: DictConfig, path: str, override: Override) -> None:
    """A section that is null gets its defaults, once one of its fields or all of it is given."""
    parts = path.split(".")
    for n in range(2 if parts[0] == "sweep" else 1, len(parts) + 1):
        section = ".".join(parts[:n])
        kind = section_class(section)
        given = n < len(parts) or isinstance(override.value(), dict)
        if kind is not None and given and not override.is_delete():
            parent = OmegaConf.select(config, section.rpartition(".")[0])
            if parent is not None and OmegaConf.select(config, section) is None:
                OmegaConf.update(config, section, OmegaConf.structured(kind), merge=False)


def _changed(override: Override, before: Mapping[Any, Any], key: str) -> dict[Any, Any] | None:
    """The mapping's content after one override; key is the rest of its path, if any."""
    path, value = override.key_or_group, given_value(override)
    adds = override.is_add() or override.is_force_add()
    if override.is_delete():
        return _without(before, key, path) if key else {}
    if key:
        return _with(before, key, value)
    if value is None:
        return None
    given = mapping_of_text(value) if isinstance(value, str) else value
    if not isinstance(given, dict):
        raise ConfigError(Problem(path, f"{value!r} given; must be a mapping: {{key: value, …}}"))
    return {**(before if adds else {}), **{_key(key): item for key, item in given.items()}}


def _with(before: Mapping[Any, Any], key: str, value: Any) -> dict[Any, Any]:
    """The same with one key; in the description of an object a dot leads into its arguments."""
    first, _, rest = key.partition(".")
    if rest and TARGET in before:
        inner = before.get(first)
        inside = inner if isinstance(inner, Mapping) else {TARGET: None}
        filled = _with(inside, rest, value)
        return {**before, first: {k: v for k, v in filled.items() if k != TARGET or v is not None}}
    return {**before, _known(before, key): value}


def _without(before: Mapping[Any, Any], key: str, path: str) -> dict[Any, Any]:
    first, _, rest = key.partition(".")
    if rest and isinstance(before.get(first), Mapping):
        return {**before, first: _without(before[first], rest, path)}
    gone = _known(before, key)
    if gone not in before:
        message = f"nothing to take away; {nearest(key, map(str, before))}"
        raise ConfigError(Problem(path, message))
    return {name: value for name, value in before.items() if name != gone}


def _known(before: Mapping[Any, Any], key: str) -> Any:
    """The key as the mapping has it: a path is a text, where a label may be a number."""
    return next((known for known in before if str(known) == key), key)


def _key(key: Any) -> Any:
    """OmegaConf takes no null for a key: a label that is called so is a text."""
    return "null" if key is None else key
