"""Translates Hydra's and OmegaConf's errors to Problems with the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields

from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from finesweep.config.field_paths import field_exists, unknown_field
from finesweep.config.schema import Config
from finesweep.errors import ConfigError, Problem, nearest

NULL_SECTION = re.compile(r"full_key: (\S+)\s+reference_type=Optional")
COMPOSING = re.compile(r"In '([^']+)': (?:(\w+) raised while composing config:)?")
GROUP_WITHOUT_NAME = re.compile(r"[^.=]+=(null|true|false|[\d.]+)$")
SECTIONS = frozenset(field.name for field in fields(Config))

CONVERSION = re.compile(r"Value '(.*)' of type '.*' could not be converted to (\w+)")
MISTYPED = re.compile(
    r"Value '(.*)' (?:of type '.*' is incompatible with type hint '(.*)'|is not a valid (bool) )"
)
KINDS = {
    "Float": "a number",
    "Integer": "a whole number",
    "Boolean": "true or false",
    "bool": "true or false",
    "Optional[Union[int, float]]": "a number",
    "Union[int, str]": "a whole number or a string",
}


@contextmanager
def translate_errors(loader: ConfigLoader, overrides: Sequence[str]) -> Iterator[None]:
    """Turns errors of Hydra and OmegaConf during a composition into ConfigError."""
    try:
        yield
    except MissingConfigException as error:
        raise ConfigError(_unknown_choice(error, loader)) from error
    except OverrideParseException as error:
        raise ConfigError(Problem(error.override, f"not an override; {_first(error)}")) from error
    # OmegaConf asserts when a field of a null section is set.
    except (HydraException, OmegaConfBaseException, ValueError, AssertionError) as error:
        if isinstance(error, AssertionError) and "Unexpected type for root" not in str(error):
            raise
        unknown = _unknown_fields(overrides, loader) or _unknown_key(error)
        raise ConfigError(*(unknown or [_misfit(error, overrides)])) from error
    except AttributeError as error:  # OmegaConf's, for a mapping set on a null section
        if not (section := NULL_SECTION.search(str(error))):
            raise
        message = "is null here, and can only be set in the sweep's file"
        raise ConfigError(Problem(section.group(1), message)) from error


def _first(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _unknown_choice(error: MissingConfigException, loader: ConfigLoader) -> Problem:
    group, _, choice = (error.missing_cfg_file or "").rpartition("/")
    choices = error.options or loader.get_group_options(group)
    return Problem(group or "config", f"no choice {choice!r}; {nearest(choice, choices)}")


def _unknown_fields(overrides: Sequence[str], loader: ConfigLoader) -> list[Problem]:
    groups = [*loader.list_groups(""), "hydra", "sweeps"]
    paths = [re.split("[=@]", override)[0].lstrip("+~") for override in overrides]
    return [
        unknown_field(path)
        for path in paths
        if not field_exists(path) and re.split("[/.]", path)[0] not in set(groups) - SECTIONS
    ]


def _unknown_key(error: Exception) -> list[Problem]:
    """The problem of an unknown field inside a mapping set for a section; empty without one."""
    chain = (error, error.__cause__, error.__context__)
    path = next((str(key) for each in chain if (key := getattr(each, "full_key", None))), "")
    is_unknown = path.split(".")[0] in SECTIONS and not field_exists(path)
    return [unknown_field(path)] if is_unknown and not COMPOSING.match(str(error)) else []


def _misfit(error: Exception, overrides: Sequence[str]) -> Problem:
    """The problem of a value of the wrong type, in a config file, a field or an override."""
    chained = error.__cause__ or error.__context__
    has_key = isinstance(error, OmegaConfBaseException) and error.full_key
    cause = chained if not has_key and isinstance(chained, OmegaConfBaseException) else error
    path = str(getattr(cause, "full_key", None) or "")
    if isinstance(error, AssertionError):  # OmegaConf's, for a field of a null section
        path = next((text for text in overrides if "sweep." in text), "sweep").split("=")[0]
        return Problem(path.lstrip("+"), "no sweep is composed here; see finesweep sweep")
    if located := COMPOSING.match(str(error)):
        message = _type_complaint(_first(cause).removeprefix(located.group(0)).strip())
        return Problem(located.group(1), f"{path}: {message}" if path else message)
    return Problem(path or _override_path(error, overrides), _type_complaint(_first(cause)))


def _override_path(error: Exception, overrides: Sequence[str]) -> str:
    """The path of the override that Hydra's message quotes, or of a group without a choice."""
    if "Config group override must be" in str(error):
        matches = [text for text in overrides if GROUP_WITHOUT_NAME.match(text)]
    else:
        matches = [text for text in overrides if text.split("=")[0] in str(error)]
    return matches[0].split("=")[0].lstrip("+~") if matches else "config"


def _type_complaint(message: str) -> str:
    if match := CONVERSION.search(message) or MISTYPED.search(message):
        hint = next(group for group in match.groups()[1:] if group)
        return f"{match.group(1)!r} given; must be {KINDS.get(hint, hint)}"
    if "is not Optional" in message:
        return "null given; must have a value"
    if "Ambiguous value" in message:
        return f"{message}; add -m for a grid, or quote the value"
    return message
