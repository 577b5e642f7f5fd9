"""Checks a model URI before anything is loaded."""

from __future__ import annotations

import re
from pathlib import Path

from finesweep.databases import sqlite_file
from finesweep.errors import ConfigError, Problem

FORMS = "models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN_ID/model"
MODEL = re.compile(r"models:/+(m-[0-9a-f]+|[^/@]+(@[^/@]+|/[^/@]+))")
RUN = re.compile(r"runs:/+[^/]+/.+")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:")


def check_model_uri(uri: str, *, tracking_uri: str, field: str = "--model") -> None:
    """ConfigError, naming field, if uri is neither a folder nor a valid MLflow model URI, or if it
    needs a store that does not exist."""
    if Path(uri).exists():
        return
    scheme = SCHEME.match(uri)
    form = {"models:": MODEL, "runs:": RUN}.get(scheme[0]) if scheme else None
    if scheme is None or (form is not None and not form.fullmatch(uri)):
        message = f"{uri!r} is neither a folder nor a model URI; use {FORMS}"
        raise ConfigError(Problem(field, message))
    if form is not None:
        require_store(tracking_uri)


def require_store(tracking_uri: str) -> None:
    """ConfigError when the tracking store is a database file that does not exist: looking into a
    store must not create it."""
    database = sqlite_file(tracking_uri)
    if database is not None and not database.exists():
        message = f"no store at {database}; run a sweep here first"
        raise ConfigError(Problem("tracking.uri", message))
