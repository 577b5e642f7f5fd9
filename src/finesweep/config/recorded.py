"""The config that a run recorded, to train it again with today's stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from finesweep.config.agreement import run_problems
from finesweep.config.bounds import range_problems
from finesweep.config.compose import Composed
from finesweep.config.schema import Config
from finesweep.errors import ConfigError, Problem, first_line


def config_in(text: str) -> Config:
    """The config of Composed.yaml; a field that the text lacks has its default.

    OmegaConfBaseException when a field is unknown, or its value of another type.
    """
    schema = OmegaConf.structured(Config)
    return cast(Config, OmegaConf.to_object(OmegaConf.merge(schema, OmegaConf.create(text))))


def recorded_config(text: str, params: Mapping[str, str], *, now: Composed) -> Composed:
    """The config in a run's config.yaml, with tracking, storage and launcher of now, and without an
    evaluation of the test split; a field newer than the run has its default.

    params are the run's, which name its groups' choices. ConfigError when a field is unknown to
    this version, or its value no longer permitted.
    """
    try:
        config = config_in(text)
    except OmegaConfBaseException as error:
        path = error.full_key or "config.yaml"
        message = f"recorded by a version with other settings: {first_line(error)}"
        raise ConfigError(Problem(path, message)) from error
    if problems := [*range_problems(config), *run_problems(config)]:
        raise ConfigError(*problems)
    current = now.config
    own = replace(
        config,
        tracking=current.tracking,
        storage=current.storage,
        launcher=current.launcher,
        evaluate_test=False,
    )
    choices = {group: params[group] for group in now.choices if group in params}
    return Composed(config=own, choices=choices, overrides=())
