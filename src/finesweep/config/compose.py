"""Composes with Hydra and returns plain dataclasses: no DictConfig leaves this module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from threading import RLock
from typing import Any, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, MissingMandatoryValue, OmegaConf

from finesweep.config import search_path
from finesweep.config.agreement import run_problems
from finesweep.config.bounds import range_problems, stray_fields
from finesweep.config.field_paths import unknown_field
from finesweep.config.hydra_errors import translate_errors
from finesweep.config.overrides import mappings
from finesweep.config.overrides.grammar import as_override, in_hydra_grammar, override_path
from finesweep.config.overrides.hydra_private import (
    compose_choices_once,
    initialised,
    share_config_store,
    skip_unread_choices,
)
from finesweep.config.package_files import without_tilde
from finesweep.config.schema import MEDIAN_PRUNER, TPE_SAMPLER, Config
from finesweep.errors import ConfigError, Problem

HYDRA_VERSION_BASE = "1.3"
TEACHER = "training.teacher"
_composing = RLock()
"""Held while Hydra is initialised: a process has one, and threads would compose with each other's
files."""


@dataclass(frozen=True)
class Composed:
    """One composed config, with its group choices and overrides."""

    config: Config
    choices: dict[str, str]
    """Config group → its choice, for groups that have one."""
    overrides: tuple[str, ...]

    def flat(self) -> dict[str, Any]:
        """Dotted path → value, without the sections that no run reads: sweep and plan."""
        values = flatten(asdict(self.config))
        return {k: value for k, value in values.items() if k.split(".")[0] not in ("sweep", "plan")}

    def with_teacher(self, uri: str) -> Composed:
        """The same with another name of its teacher, in its overrides too."""
        training = replace(self.config.training, teacher=uri)
        others = (o for o in self.overrides if override_path(o) != TEACHER)
        return replace(
            self,
            config=replace(self.config, training=training),
            overrides=(*others, as_override(TEACHER, uri)),
        )

    def yaml(self) -> str:
        return OmegaConf.to_yaml(OmegaConf.structured(self.config))


def compose(overrides: Sequence[str] = ()) -> Composed:
    """The config composed with these Hydra overrides, checked for names, types and ranges.

    ConfigError lists every problem with its dotted path, its value and the permitted ones.
    """
    with _initialised():
        loader = GlobalHydra.instance().config_loader()
        with translate_errors(loader, overrides):
            texts = [in_hydra_grammar(override) for override in overrides]
            node = hydra.compose("config", overrides=texts, return_hydra_config=True)
            return read(node, overrides)


def read(node: DictConfig, overrides: Sequence[str]) -> Composed:
    """A composed node, with its hydra part, as plain dataclasses; ConfigError when out of range."""
    all_choices = OmegaConf.to_container(node.hydra.runtime.choices)
    choices = {
        str(group): str(choice)
        for group, choice in cast("dict[str, Any]", all_choices).items()
        if choice is not None and not str(group).startswith(("hydra/", "sweeps@"))
    }
    names = [str(key) for key in node if key != "hydra"]
    try:
        # Section by section: they are already typed, and merging into a new Config is slower.
        values = {name: _plain(node[name]) for name in names}
    except MissingMandatoryValue:
        missing = {path for name in names for path in _missing(node, name)}
        raise ConfigError(*(Problem(path, "must be given") for path in sorted(missing))) from None
    sections = {field.name for field in fields(Config)}
    if strays := sorted(set(names) - sections):
        raise ConfigError(*(unknown_field(name) for name in strays))
    config = Config(**values)
    problems = [*stray_fields(config), *range_problems(config), *run_problems(config)]
    if problems:
        raise ConfigError(*problems)
    _expand_home(config)
    if config.sweep is not None:
        config.sweep.sampler = {"_target_": TPE_SAMPLER, **config.sweep.sampler}
        if config.sweep.pruner is not None:
            config.sweep.pruner = {"_target_": MEDIAN_PRUNER, **config.sweep.pruner}
    return Composed(config=config, choices=choices, overrides=tuple(overrides))


def _expand_home(config: Config) -> None:
    """Replaces `~` in the folders that commands write to."""
    for section, name in (
        (config.adapt, "folder"),
        (config.launcher, "folder"),
        (config.storage, "cache"),
        (config.storage, "checkpoints"),
        (config.tracking, "artifacts"),
    ):
        if (folder := getattr(section, name)) is not None:
            setattr(section, name, without_tilde(folder))


def _missing(node: DictConfig, name: str) -> set[str]:
    if OmegaConf.is_missing(node, name):
        return {name}
    section = node[name]
    return OmegaConf.missing_keys(section) if isinstance(section, DictConfig) else set()


def _plain(section: Any) -> Any:
    return OmegaConf.to_object(section) if isinstance(section, DictConfig) else section


def group_choices(group: str) -> list[str]:
    """The choices of a config group (or `sweeps`), including the user's own."""
    with _initialised():
        return list(GlobalHydra.instance().config_loader().get_group_options(group))


@cache
def register_schema() -> None:
    """Registers the schema, the search path and the handling of mappings with Hydra; idempotent."""
    search_path.register()
    mappings.register()
    share_config_store()
    skip_unread_choices()
    compose_choices_once(search_path.version_of)
    ConfigStore.instance().store(name="schema", node=Config)


@contextmanager
def _initialised() -> Iterator[None]:
    with _composing, _own_hydra():
        yield


@contextmanager
def _own_hydra() -> Iterator[None]:
    running = GlobalHydra.instance().hydra
    if running is not None and _is_ours(running):  # inside hydra.main, with our search path
        yield
        return
    register_schema()
    GlobalHydra.instance().clear()
    try:
        with initialised(job_name="finesweep", version_base=HYDRA_VERSION_BASE):
            yield
    finally:
        if running is not None:  # the calling program's own Hydra application
            GlobalHydra.instance().initialize(running)


def _is_ours(running: Any) -> bool:
    sources = running.config_loader.get_search_path().get_path()
    return any(source.provider == search_path.PACKAGE for source in sources)


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one dict by dotted path; lists stay values."""
    if not isinstance(tree, dict) or not tree:
        return {prefix: tree}
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat
