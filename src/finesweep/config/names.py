"""Rules for names of models, aliases and experiments in MLflow, and for URIs of models."""

from __future__ import annotations

import posixpath
import re

from finesweep.errors import ConfigError, Problem

CHALLENGER, CHAMPION = "challenger", "champion"
"""Aliases: what a sweep registers by default, and what only a promotion sets."""
ALIAS = re.compile(r"[\w-]{1,255}", re.ASCII)
VERSION = re.compile(r"v\d+", re.ASCII | re.IGNORECASE)
MAX_NAME_LENGTH, MAX_EXPERIMENT_LENGTH = 256, 500
"""Maximum lengths in characters, from the columns of MLflow's database."""
SEPARATORS = "/:@?#%;"
"""Characters with a meaning of their own in `models:/NAME@ALIAS` or in MLflow's URLs."""

MODEL_URI_FORMS = "models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN_ID/model"
SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:")
MODEL_URIS = {
    "models:": re.compile(r"models:/+(m-[0-9a-f]+|[^/@]+(@[^/@]+|/[^/@]+))"),
    "runs:": re.compile(r"runs:/+[^/]+/.+"),
}
"""Scheme → the form of its URIs; others, such as s3:, are left to MLflow."""
ALIASED = re.compile(r"models:/+([^/@]+)@([^/@]+)")


def model_complaint(name: str) -> str | None:
    """The problem with a name for a new registered model; None if MLflow accepts and finds it."""
    if not name.strip():
        return f"{name!r} given; must not be empty"
    if bad := [sign for sign in SEPARATORS if sign in name]:
        suggestion = re.sub(rf"[{re.escape(SEPARATORS)}]", "-", name)
        return f"{name!r} given; must not contain {' '.join(bad)}; for example {suggestion!r}"
    if not name.isprintable() or name != name.strip():
        return f"{name!r} given; must not contain control characters or start or end with a space"
    if posixpath.normpath(name) != name or name.startswith("."):
        return f"{name!r} given; must not start with a dot"
    if len(name) > MAX_NAME_LENGTH:
        return f"{len(name)} characters given; must be at most {MAX_NAME_LENGTH}"
    return None


def alias_complaint(alias: str) -> str | None:
    """The problem with an alias for a sweep's winner; None if MLflow accepts it."""
    if alias.lower() == CHAMPION:
        return f"{alias!r} given; only `finesweep promote` sets it; for example 'challenger'"
    if alias.lower() == "latest" or VERSION.fullmatch(alias):
        return f"{alias!r} given; MLflow reserves `latest` and v1, v2, … for versions"
    if not ALIAS.fullmatch(alias):
        return f"{alias!r} given; must be letters, digits, '_' and '-', at most 255"
    return None


def experiment_complaint(name: str) -> str | None:
    """The problem with an experiment's name; None if MLflow accepts it."""
    if not name.strip():
        return f"{name!r} given; must not be empty"
    if not name.isprintable():
        return f"{name!r} given; must not contain control characters"
    if len(name) > MAX_EXPERIMENT_LENGTH:
        return f"{len(name)} characters given; must be at most {MAX_EXPERIMENT_LENGTH}"
    return None


def require_model_name(name: str, *, field: str) -> None:
    """Raises ConfigError at field when no registered model in MLflow can have this name.

    Models that others registered may have names that model_complaint refuses.
    """
    complaint = model_complaint(name)
    if complaint and (not name.strip() or "/" in name or ":" in name or name in (".", "..")):
        raise ConfigError(Problem(field, complaint))


def needs_store(uri: str) -> bool:
    """Whether only a tracking store can tell where the model of this URI is."""
    scheme = SCHEME.match(uri)
    return scheme is not None and scheme[0] in MODEL_URIS


def uri_complaint(uri: str) -> str | None:
    """The problem with text that is no folder and should be a model's URI; None if MLflow can look
    for it."""
    scheme = SCHEME.match(uri)
    form = MODEL_URIS.get(scheme[0]) if scheme else None
    if scheme is not None and (form is None or form.fullmatch(uri)):
        return None
    return f"{uri!r} is neither a folder nor a model URI; use {MODEL_URI_FORMS}"


def alias_in(uri: str) -> tuple[str, str] | None:
    """Name and alias of models:/NAME@ALIAS; None for any other URI."""
    match = ALIASED.fullmatch(uri)
    return None if match is None else (match[1], match[2])
