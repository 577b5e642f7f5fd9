"""Checks a model URI before anything is loaded."""

from __future__ import annotations

from pathlib import Path

from finesweep.config.names import needs_store, uri_complaint
from finesweep.databases import sqlite_file
from finesweep.errors import ConfigError, Problem


def check_model_uri(uri: str, *, tracking_uri: str, field: str = "--model") -> None:
    """ConfigError, naming field, if uri is neither a folder nor a valid MLflow model URI, or if it
    needs a store that does not exist."""
    if Path(uri).exists():
        return
    if complaint := uri_complaint(uri):
        raise ConfigError(Problem(field, complaint))
    if needs_store(uri):
        require_store(tracking_uri)


def require_store(tracking_uri: str) -> None:
    """ConfigError when the tracking store is a database file that does not exist: looking into a
    store must not create it."""
    database = sqlite_file(tracking_uri)
    if database is not None and not database.exists():
        message = f"no store at {database}; run a sweep here first"
        raise ConfigError(Problem("tracking.uri", message))
