"""Every private name of Hydra that finesweep uses, and why no public one does.

`tests/contract/test_private_names.py` names them all, so that a release that renames one fails
there and not on a command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hydra import version
from hydra._internal import defaults_list as lists
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.defaults_list import Overrides
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_store import ConfigStore
from hydra.core.default_element import InputDefault
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
