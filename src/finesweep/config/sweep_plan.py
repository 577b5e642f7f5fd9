"""The plan of a sweep, from its file and the command line.

The command line wins over the file: a sweep override adds or replaces a dimension, a plain override
fixes the field for every trial.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hydra.core.override_parser.types import Override

from finesweep.config.agreement import is_exhaustive, objectives_of, sweep_problems
from finesweep.config.compose import Composed, compose, group_choices
from finesweep.config.field_paths import (
    field_exists,
    leaf,
    mapping_defaults,
    mapping_of,
    unknown_field,
)
from finesweep.config.overrides.grammar import (
    Dimension,
    as_override,
    dimension,
    override_path,
    parse_override,
    parse_value,
)
from finesweep.config.schema import (
    SEVERAL_OBJECTIVES_SAMPLER,
    ConfirmConfig,
    RegisterConfig,
    SplitFiles,
    SweepConfig,
)
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.records import Direction, Objective
from finesweep.stats.metric_names import better_direction

TEST_SPLIT = "evaluate_test"
STUDY_NAME = re.compile(r"\w[\w.-]*")
RESERVED = (
    "sweep", "plan", "adapt", "tracking", "storage", "launcher", "registry", "workers", "hydra",
    TEST_SPLIT,
)  # fmt: skip
"""Sections of the sweep as a whole, which trials cannot vary."""
SECRET = ("storage.url", "sweep.on_end")
"""Fields whose values are neither recorded nor shown."""


@dataclass(frozen=True)
class Searched:
    """One field that the sweep varies, always or only under one `group=choice`."""

    path: str
    dimension: Dimension
    condition: str | None = None

    @property
    def name(self) -> str:
        """Its parameter name in Optuna, where one name cannot have two distributions."""
        return f"{self.path}|{self.condition}" if self.condition else self.path


def plain_path(name: str) -> str:
    """The path of a `Searched.name`, without its condition."""
    return name.split("|")[0]


@dataclass(frozen=True)
class Fixed:
    """One field with the same value in every trial, or in those that satisfy a condition."""

    path: str
    value: Any
    condition: str | None = None


@dataclass(frozen=True)
class SweepPlan:
    """Everything that defines a sweep; names and grammar are checked."""

    name: str
    settings: SweepConfig
    base: Composed
    """The composed config, with every unconditional fixed value."""
    overrides: tuple[str, ...]
    """Hydra overrides that compose base, without those of `sweep.*`."""
    typed: tuple[str, ...]
    """Overrides from the command line, for the sweep and for its trials."""
    searched: tuple[Searched, ...]
    conditional: tuple[Fixed, ...]
    enqueued: tuple[Mapping[str, Any], ...]
    """Plain path → value, for each trial to run first."""
    teachers: Mapping[str, str] = field(default_factory=dict)
    """training.teacher as given → the version that the study has fixed; empty before it begins."""

    @property
    def study_name(self) -> str:
        return self.settings.study or self.name

    @property
    def direction(self) -> Direction:
        """Direction in which the metric is better."""
        return better_direction(self.settings.metric)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The metric alone, or each of several objectives, the metric first."""
        return objectives_of(self.settings)

    @property
    def pick(self) -> Any:
        """The rule that picks the winner of several objectives."""
        register = self.settings.register
        return RegisterConfig.pick if register is None else register.pick

    @property
    def sampler_name(self) -> str:
        """The sampler's class, without its module."""
        return str(self.settings.sampler["_target_"]).rpartition(".")[2]

    @property
    def is_exhaustive(self) -> bool:
        """Whether the sampler tries every point of the search space, which is the sweep's end."""
        return is_exhaustive(self.settings)

    @property
    def confirm(self) -> ConfirmConfig | None:
        """Settings of the confirmation; None without one."""
        config = self.settings.confirm
        return config if config is not None and config.seeds else None

    def compose_trial(self, values: Mapping[str, Any], *, seed: int | None = None) -> Composed:
        """The config of one trial; values by plain path win over the sweep's fixed values.

        seed is the trial's training seed, unless the sweep fixes or searches training.seed.
        """
        own = [as_override(path, value) for path, value in values.items()]
        seeded = [] if seed is None else [as_override("training.seed", seed)]
        composed = compose([*seeded, f"{TEST_SPLIT}=false", *self.overrides, *own])
        pinned = self.teachers.get(composed.config.training.teacher or "")
        return composed if pinned is None else composed.with_teacher(pinned)


def compose_sweep(name: str, overrides: Sequence[str]) -> SweepPlan:
    """The plan of `sweeps/NAME.yaml` with these overrides; ConfigError lists every problem."""
    names = group_choices("sweeps")
    if name not in names:
        raise ConfigError(Problem("sweep", f"no sweep {name!r}; {nearest(name, names)}"))
    own, searched, plain = _partition(overrides)
    if "sweep.metric" in (paths := set(map(override_path, own))) and "sweep.direction" not in paths:
        own.append("sweep.direction=null")  # the file's direction is for the file's metric
    load = f"+sweeps@sweep={name}"
    settings = compose([load, *own]).config.sweep
    if settings is None:
        raise ConfigError(Problem("sweep", "is the sweep itself; it cannot be null or deleted"))
    if settings.objectives and settings.sampler == mapping_defaults()["sweep.sampler"]:
        own.append(as_override("sweep.sampler", SEVERAL_OBJECTIVES_SAMPLER))
        settings = replace(settings, sampler=SEVERAL_OBJECTIVES_SAMPLER)
    if settings.study is not None and not STUDY_NAME.fullmatch(settings.study):
        message = f"{settings.study!r} given; must name a folder: letters, digits, '.', '_', '-'"
        raise ConfigError(Problem("sweep.study", message))
    parsed = [parse_override(text) for text in plain]
    whole = [Fixed(override.key_or_group, override.value()) for override in parsed]
    # An override that adds keys to a mapping does not replace the file's.
    replacing = [o.key_or_group for o in parsed if not (_adds(o) and mapping_of(o.key_or_group))]
    replaced = {item.path for item in searched} | set(replacing)
    table = [entry for entry in _entries(settings) if entry.path not in replaced]
    enqueued = [Fixed(path, value) for params in settings.enqueue for path, value in params.items()]
    _raise_unknown([*table, *searched, *enqueued, *filter(_is_whole_section, whole)])
    fixed = [
        as_override(entry.path, entry.value)
        for entry in table
        if isinstance(entry, Fixed) and not entry.condition
    ]
    trial_overrides = (*fixed, *plain)
    base = compose([load, *own, *trial_overrides])
    if problems := sweep_problems(base.config):
        raise ConfigError(*problems)
    return SweepPlan(
        name=name,
        settings=settings,
        base=base,
        overrides=(
            *[item for item in own if _section(item) != "sweep"],
            *trial_overrides,
        ),
        typed=tuple(overrides),
        searched=(*(entry for entry in table if isinstance(entry, Searched)), *searched),
        conditional=tuple(e for e in table if isinstance(e, Fixed) and e.condition),
        enqueued=_unique(_without(params, replaced) for params in settings.enqueue),
    )


def borrowed_name(plan: SweepPlan) -> list[Problem]:
    """A Problem when the command line sets another dataset, but the winner would be registered
    under the name in the file.

    Empty when the file sets no dataset, or the command line sets the name.
    """
    paths = {override_path(text) for text in plan.typed}
    register = plan.settings.register
    if register is None or any(path.startswith("sweep.register") for path in paths):
        return []
    others = [text for text in plan.typed if _section(text) != "dataset"]
    if len(others) == len(plan.typed):
        return []
    own = compose_sweep(plan.name, others).base.config.dataset
    sources = [(each.hub, each.path, each.files) for each in (own, plan.base.config.dataset)]
    if sources[0] == sources[1] or sources[0] == (None, None, SplitFiles()):
        return []
    message = (
        f"{register.name!r} is the model that sweep {plan.name} registers for {own.name}, but the "
        "dataset is another; add sweep.register.name=NAME, or sweep.register=null"
    )
    return [Problem("sweep.register.name", message)]


def typed_overrides(plan: SweepPlan) -> list[str]:
    """The typed overrides, without those that may contain a secret: storage.url and sweep.on_end,
    which only this command uses."""
    return [text for text in plan.typed if override_path(text) not in SECRET]


def worker_overrides(plan: SweepPlan) -> list[str]:
    """Overrides with which compose_sweep(plan.name, …) returns the same plan on another machine.

    They include locations that this command took from its environment, except the storage, which a
    worker has already reached.
    """
    config = plan.base.config
    locations = {
        "tracking.uri": config.tracking.uri,
        "tracking.artifacts": config.tracking.artifacts,
        "tracking.experiment": config.tracking.experiment,
        "storage.checkpoints": config.storage.checkpoints,
    }
    return [
        *typed_overrides(plan),
        *(as_override(path, value) for path, value in locations.items()),
    ]


def _partition(overrides: Sequence[str]) -> tuple[list[str], list[Searched], list[str]]:
    """The overrides of the sweep itself, the dimensions, and the plain overrides of all trials."""
    own: list[str] = []
    searched: list[Searched] = []
    plain: list[str] = []
    for text in overrides:
        override = parse_override(text)
        path = override.key_or_group
        searched = [item for item in searched if item.path != path]  # the last override wins
        is_reserved = path.split(".")[0] in RESERVED
        if override.is_sweep_override() and is_reserved:
            raise ConfigError(Problem(path, "belongs to the whole sweep and cannot be searched"))
        if path == TEST_SPLIT:
            raise ConfigError(
                Problem(path, "trials never use the test split; the winner does, once")
            )
        if override.is_sweep_override():
            searched.append(Searched(path, dimension(override)))
        else:
            (own if is_reserved else plain).append(text)
    return own, searched, plain


def _section(text: str) -> str:
    """The first part of the path that an override sets, adds or deletes."""
    return override_path(text).split(".")[0]


def _adds(override: Override) -> bool:
    return override.is_add() or override.is_force_add()


def _entries(settings: SweepConfig) -> list[Searched | Fixed]:
    """params and when as records; `when` wins because its entries are kept apart by condition."""
    entries = [_entry(path, value, None) for path, value in settings.params.items()]
    for condition, params in settings.when.items():
        _check_condition(condition, params)
        entries += [_entry(path, value, condition) for path, value in params.items()]
    return entries


def _entry(path: str, value: Any, condition: str | None) -> Searched | Fixed:
    parsed = parse_value(path, value)
    if isinstance(parsed, Dimension):
        return Searched(path, parsed, condition)
    return Fixed(path, parsed, condition)


def _check_condition(condition: str, params: Mapping[str, Any]) -> None:
    group, equals, choice = condition.partition("=")
    choices = group_choices(group) if equals and group not in (*RESERVED, "sweeps") else []
    if group in params:
        raise ConfigError(Problem(f"sweep.when.{condition}", f"cannot set {group} itself"))
    if choice not in choices:
        example = "a condition is one group=choice, as model=bert"
        hint = nearest(choice, choices) if choices else example
        raise ConfigError(Problem(f"sweep.when.{condition}", f"no such choice; {hint}"))


def _raise_unknown(entries: Iterable[Searched | Fixed]) -> None:
    problems = []
    for entry in entries:
        if re.split("[./]", entry.path)[0] in RESERVED:
            problems.append(Problem(entry.path, "belongs to the whole sweep, not to its trials"))
        elif not field_exists(entry.path) and not group_choices(entry.path):
            problems.append(unknown_field(entry.path))
        elif _is_whole_section(entry):
            problems.append(Problem(entry.path, "is a section; set its fields one by one"))
    if problems:
        raise ConfigError(*problems)


def _is_whole_section(entry: Searched | Fixed) -> bool:
    """Whether it sets a whole section, whose fields could not be compared with other entries."""
    if isinstance(entry, Fixed):
        return isinstance(entry.value, dict) and mapping_of(entry.path) is None
    return leaf(entry.path) is None and not group_choices(entry.path)


def _unique(enqueued: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    unique: list[dict[str, Any]] = []
    for params in enqueued:
        if params not in unique:
            unique.append(params)
    return tuple(unique)


def _without(params: Mapping[str, Any], paths: set[str]) -> dict[str, Any]:
    return {path: value for path, value in params.items() if path not in paths}
