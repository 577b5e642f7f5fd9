"""Every private name of Hydra that finesweep uses, and why no public one does.

`tests/contract/test_private_names.py` names them all, so that a release that renames one fails
there and not on a command line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigSource
from omegaconf import DictConfig

Apply = Callable[[list[Override], DictConfig], None]
"""Changes a config by each override in turn."""

hydras_own: Apply = ConfigLoaderImpl._apply_overrides_to_config


def apply_overrides_by(apply: Apply) -> None:
    """Makes Hydra apply overrides of fields by apply, which may call hydras_own.

    No plugin of Hydra's comes between its config and the command line.
    """
    ConfigLoaderImpl._apply_overrides_to_config = staticmethod(apply)  # type: ignore[assignment, method-assign]


def share_config_store() -> None:
    """Makes Hydra take its store of structured configs as it is, where it would copy all of it.

    It does so in each composition and each look at a group, with the sources that hold the store;
    what is loaded from the store is a copy anyway.
    """
    ConfigStore.__deepcopy__ = lambda store, memo: store  # type: ignore[attr-defined]


def with_value(override: Override, *, path: str, value: Any) -> Override:
    """The override with another path and value, the signs before it kept.

    Its value is not spelt out and parsed anew: a mapping may have keys with signs that Hydra's
    grammar has no place for.
    """
    return replace(override, key_or_group=path, _value=value)


def header_of(text: str) -> dict[str, str | None]:
    """What stands in comments at the top of a config file: `# @package sweep`.

    ValueError when such a line is not a key and a value.
    """
    return ConfigSource._get_header_dict(text)
