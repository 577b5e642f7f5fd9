"""Names that MLflow takes for models, aliases and experiments, and can be asked for."""

from __future__ import annotations

import posixpath
import re

from finesweep.errors import ConfigError, Problem

CHALLENGER, CHAMPION = "challenger", "champion"
"""Aliases: what a sweep registers by default, and what only a promotion sets."""
ALIAS = re.compile(r"[\w-]{1,255}", re.ASCII)
VERSION = re.compile(r"v\d+", re.ASCII | re.IGNORECASE)
MAX_NAME_LENGTH, MAX_EXPERIMENT_LENGTH = 256, 500
"""Characters: columns of MLflow's database."""
SEPARATORS = "/:@?#%;"
"""What is read as something else in `models:/NAME@ALIAS`, or in MLflow's own addresses."""


def model_complaint(name: str) -> str | None:
    """What is wrong with a name for a new registered model; None when MLflow takes and finds it."""
    if not name.strip():
        return f"{name!r} given; must have a character"
    if bad := [sign for sign in SEPARATORS if sign in name]:
        instead = re.sub(rf"[{re.escape(SEPARATORS)}]", "-", name)
        return f"{name!r} given; must have no {' '.join(bad)}, as in {instead!r}"
    if not name.isprintable() or name != name.strip():
        return f"{name!r} given; must have no control character, and no blank at its ends"
    if posixpath.normpath(name) != name or name.startswith("."):
        return f"{name!r} given; must not begin with a dot"
    if len(name) > MAX_NAME_LENGTH:
        return f"{len(name)} characters given; must be at most {MAX_NAME_LENGTH}"
    return None


def alias_complaint(alias: str) -> str | None:
    """What is wrong with an alias for a sweep's winner; None when MLflow takes it."""
    if alias.lower() == CHAMPION:
        return f"{alias!r} given; only `finesweep promote` makes a champion, as in 'challenger'"
    if alias.lower() == "latest" or VERSION.fullmatch(alias):
        return f"{alias!r} given; MLflow keeps `latest` and v1, v2, … for versions themselves"
    if not ALIAS.fullmatch(alias):
        return f"{alias!r} given; must be letters, digits, '_' and '-', at most 255"
    return None


def experiment_complaint(name: str) -> str | None:
    """What is wrong with an experiment's name; None when MLflow takes it."""
    if not name.strip():
        return f"{name!r} given; must have a character"
    if not name.isprintable():
        return f"{name!r} given; must have no control character"
    if len(name) > MAX_EXPERIMENT_LENGTH:
        return f"{len(name)} characters given; must be at most {MAX_EXPERIMENT_LENGTH}"
    return None


def require_model_name(name: str, *, field: str) -> None:
    """ConfigError, naming field, when MLflow has no registered model of such a name.

    It may have some that model_complaint refuses, made by others.
    """
    complaint = model_complaint(name)
    if complaint and (not name.strip() or "/" in name or ":" in name or name in (".", "..")):
        raise ConfigError(Problem(field, complaint))
