"""Every private name of Hydra that finesweep uses, and why no public one does.

`tests/contract/test_private_names.py` names them all, so that a release that renames one fails
there and not on a command line.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from hydra import version
from hydra._internal import config_loader_impl as loader
from hydra._internal import defaults_list as lists
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository, IConfigRepository
from hydra._internal.defaults_list import DefaultsList, Overrides
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_store import ConfigStore
from hydra.core.default_element import InputDefault, ResultDefault
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigSource
from omegaconf import DictConfig, OmegaConf

Apply = Callable[[list[Override], DictConfig], None]
"""Applies each override to a config in turn."""

apply_as_hydra: Apply = ConfigLoaderImpl._apply_overrides_to_config


def apply_overrides_by(apply: Apply) -> None:
    """Makes Hydra apply field overrides with apply, which may call apply_as_hydra.

    Hydra has no plugin type for this step.
    """
    ConfigLoaderImpl._apply_overrides_to_config = staticmethod(apply)  # type: ignore[assignment, method-assign]


def share_config_store() -> None:
    """Stops Hydra from copying its whole ConfigStore in every composition and group lookup.

    The copy is not needed: whatever is loaded from the store is a copy itself.
    """
    ConfigStore.__deepcopy__ = lambda store, memo: store  # type: ignore[attr-defined]


def skip_unread_choices() -> None:
    """Stops Hydra from making a config of all choices so far for each config that it loads.

    Only an interpolation in a defaults list reads it, and it takes a fifth of a composition.
    """
    made, nothing = lists._create_interpolation_map, OmegaConf.create()

    def made_to_be_read(
        overrides: Overrides, defaults_list: list[InputDefault], self_added: bool
    ) -> DictConfig:
        is_read = any(default.is_interpolation() for default in defaults_list)
        return made(overrides, defaults_list, self_added) if is_read else nothing

    lists._create_interpolation_map = made_to_be_read


@dataclass
class _Choices:
    """One set of group choices: its defaults list and, once composed, its config."""

    defaults_list: DefaultsList
    config: bytes | None = None
    """Pickled: that makes a copy in a sixth of the time of copy.deepcopy."""


class _Configs(dict[str, Any]):
    """Configs that one composition has loaded, by path, with those that earlier ones have.

    Each composition has copies of its own: merging changes them.
    """

    def __init__(self, own: Mapping[str, Any], pickled: dict[str, bytes]) -> None:
        super().__init__(own)
        self._pickled = pickled

    def __contains__(self, path: object) -> bool:
        return super().__contains__(path) or path in self._pickled

    def __missing__(self, path: str) -> Any:
        loaded = pickle.loads(self._pickled[path])
        super().__setitem__(path, loaded)
        return loaded

    def __setitem__(self, path: str, loaded: Any) -> None:
        if (pickled := _pickled(loaded)) is not None:
            self._pickled[path] = pickled
        super().__setitem__(path, loaded)


def _pickled(value: Any) -> bytes | None:
    """None for a config of a class that pickle cannot find, such as one within a function."""
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


MAX_KEPT = 32
"""Maximum number of sets of choices kept."""


def compose_choices_once(version_of: Callable[[ConfigSource], Hashable]) -> None:
    """Makes Hydra compose each set of group choices once per process, and then copy its config;
    sets that share files load each of them once.

    Fields are set afterwards, as ever. A set is composed again when version_of a source has
    changed, and each time when it is None for one of them.
    """
    listed = lists.create_defaults_list
    composed = ConfigLoaderImpl._compose_config_from_defaults_list
    kept: dict[Hashable, _Choices] = {}
    loaded: dict[Hashable, dict[str, bytes]] = {}

    def list_once(
        repo: IConfigRepository,
        config_name: str | None,
        overrides_list: list[Override],
        prepend_hydra: bool,
        skip_missing: bool,
    ) -> DefaultsList:
        versions = [version_of(source) for source in repo.get_sources()]
        if None in versions:
            return listed(repo, config_name, overrides_list, prepend_hydra, skip_missing)
        own = Overrides(repo, overrides_list)
        choices = (own.override_choices, own.append_group_defaults, own.deletions)
        # An interpolation in a defaults list may read the environment.
        rest = (config_name, prepend_hydra, skip_missing, version.getbase(), *os.environ.items())
        key = (*versions, repr(choices), *rest)
        if key not in kept:
            if len(kept) == MAX_KEPT:
                kept.clear()
                loaded.clear()
            if isinstance(repo, CachingConfigRepository):
                repo.cache = _Configs(repo.cache, loaded.setdefault(tuple(versions), {}))
            made = listed(repo, config_name, overrides_list, prepend_hydra, skip_missing)
            kept[key] = _Choices(made)
        return replace(kept[key].defaults_list, config_overrides=own.config_overrides)

    def compose_once(
        self: ConfigLoaderImpl, defaults: list[ResultDefault], repo: IConfigRepository
    ) -> DictConfig:
        own = [each for each in kept.values() if each.defaults_list.defaults is defaults]
        if not own:
            return composed(self, defaults, repo)
        if own[0].config is None:
            made = composed(self, defaults, repo)
            own[0].config = _pickled(made)
            return made
        copied: DictConfig = pickle.loads(own[0].config)
        return copied

    loader.create_defaults_list = list_once  # type: ignore[attr-defined]
    ConfigLoaderImpl._compose_config_from_defaults_list = compose_once  # type: ignore[method-assign]


@contextmanager
def initialised(*, job_name: str, version_base: str) -> Iterator[None]:
    """`hydra.initialize(config_path=None)` without its search for the caller's file.

    For that it reads the source of each function that is running, which takes as long as a
    composition; without a config_path the file is not used.
    """
    version.setbase(version_base)
    Hydra.create_main_hydra2(job_name, create_config_search_path(None))
    try:
        yield
    finally:
        GlobalHydra.instance().clear()


def with_value(override: Override, *, path: str, value: Any) -> Override:
    """The override with another path and value, and the same prefix (`+`, `++`).

    The value is not formatted and parsed again: a mapping may have keys outside Hydra's grammar.
    """
    return replace(override, key_or_group=path, _value=value)


def header_of(text: str) -> dict[str, str | None]:
    """The header of a config file, from comments such as `# @package sweep`.

    ValueError when such a line is not a key and a value.
    """
    return ConfigSource._get_header_dict(text)
