"""Keys, values and filters that MLflow accepts, from names that users choose.

Labels, columns, models and sweeps may have any name, but MLflow restricts keys, its filters cannot
escape quotes, and one refused key makes the whole call fail.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

MAX_KEY_CHARACTERS = 250
MAX_PARAM_CHARACTERS = 6000
MAX_TAG_CHARACTERS = 8000
MAX_EXPERIMENT_TAG_CHARACTERS = 20_000
MAX_REGISTRY_TAG_CHARACTERS = 100_000
MAX_RUN_NAME_CHARACTERS = 250
MAX_DATASET_NAME_CHARACTERS = 500
MAX_SOURCE_CHARACTERS = 65_535
"""MLflow's own limits, from mlflow/utils/validation.py and its tables."""
N_DIGEST = 8
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def keys_of(names: Iterable[str]) -> dict[str, str]:
    """Name → key of a param, metric or tag; different names have different keys.

    Characters that MLflow refuses become underscores; if that makes two names equal, the changed
    ones get a digest as suffix, so that keys do not depend on the order of names.
    """
    plain = {name: _plain_key(name) for name in names}
    n_names: dict[str, int] = {}
    for key in plain.values():
        n_names[key] = n_names.get(key, 0) + 1
    return {
        name: key
        if len(key) <= MAX_KEY_CHARACTERS and (name == key or n_names[key] == 1)
        else _with_digest(name)
        for name, key in plain.items()
    }


def text_of(value: Any, limit: int) -> str:
    """value as text of at most `limit` characters, without any that a database refuses."""
    text = str(value).replace("\x00", REPLACEMENT)
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def clause(field: str, value: str) -> str:
    """A clause of MLflow's filters that matches value, and possibly others: compare the results.

    All but letters, digits and a few signs become a wildcard, because a filter value cannot contain
    both kinds of quotes, and backslashes and quotes in it are parsed differently.
    """
    pattern = re.sub(r"[^A-Za-z0-9 .:/@+-]", "_", value)
    return f"{field} {'=' if pattern == value else 'LIKE'} '{pattern}'"


def _plain_key(name: str) -> str:
    """A key by MLflow's rules; keys are paths too, without empty parts, `.` and `..`."""
    parts = re.sub(r"[^\w\-. :/]", "_", name).split("/")
    key = "/".join("_" * max(1, len(part)) if part in ("", ".", "..") else part for part in parts)
    return re.sub(r"^\.{2,}", lambda dots: "_" * len(dots[0]), key)


def _with_digest(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:N_DIGEST]
    return f"{_plain_key(name)[: MAX_KEY_CHARACTERS - N_DIGEST - 1]}-{digest}"
