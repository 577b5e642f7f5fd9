"""Hydra's and OmegaConf's errors, told as Problems with the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields

from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from finesweep.config.paths import field_exists, unknown_field
from finesweep.config.schema import Config
from finesweep.errors import ConfigError, Problem, nearest

CONVERSION = re.compile(r"Value '(.*)' of type '.*' could not be converted to (\w+)")
SECTIONS = frozenset(field.name for field in fields(Config))
KINDS = {"Float": "a number", "Integer": "a whole number", "Boolean": "true or false"}


@contextmanager
def explained(loader: ConfigLoader, overrides: Sequence[str]) -> Iterator[None]:
    """Runs a composition; what Hydra, OmegaConf or YAML raise becomes a ConfigError."""
    try:
        yield
    except MissingConfigException as error:
        raise ConfigError(_unknown_choice(error, loader)) from error
    except OverrideParseException as error:
        raise ConfigError(Problem(error.override, f"not an override; {_first(error)}")) from error
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        unknown = _unknown_fields(overrides, loader)
        raise ConfigError(*(unknown or [_misfit(error, overrides)])) from error
    except YAMLError as error:
        raise ConfigError(Problem("YAML", " ".join(str(error).split()))) from error


def _first(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _unknown_choice(error: MissingConfigException, loader: ConfigLoader) -> Problem:
    group, _, choice = (error.missing_cfg_file or "").rpartition("/")
    known = error.options or loader.get_group_options(group)
    return Problem(group or "config", f"no choice {choice!r}; {nearest(choice, known)}")


def _unknown_fields(overrides: Sequence[str], loader: ConfigLoader) -> list[Problem]:
    groups = [*loader.list_groups(""), "hydra", "sweeps"]
    paths = [re.split("[=@]", override)[0].lstrip("+~") for override in overrides]
    return [
        unknown_field(path)
        for path in paths
        if not field_exists(path) and re.split("[/.]", path)[0] not in set(groups) - SECTIONS
    ]


def _misfit(error: Exception, overrides: Sequence[str]) -> Problem:
    """A value of the wrong type, named by OmegaConf's key or by the override that Hydra quotes."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    path = str(getattr(cause, "full_key", None) or "")
    if not path:
        blamed = [name for name in overrides if name.split("=")[0] in str(error)]
        path = blamed[0].split("=")[0].lstrip("+~") if blamed else "config"
    return Problem(path, _type_complaint(_first(cause)))


def _type_complaint(message: str) -> str:
    if converted := CONVERSION.search(message):
        kind = KINDS.get(converted.group(2), converted.group(2))
        return f"{converted.group(1)!r} given; must be {kind}"
    if "is not Optional" in message:
        return "null given; must have a value"
    return message
