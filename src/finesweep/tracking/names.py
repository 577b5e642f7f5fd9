"""What MLflow takes as a key, a value or part of a filter, made of names that users choose.

Labels, columns, models and sweeps are called what people like; MLflow's keys are not, its filters
have no way to quote a quote, and one refused key refuses all that stand in a call with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

LONGEST_KEY = 250
LONGEST_PARAM = 6000
LONGEST_TAG = 8000
LONGEST_REGISTRY_TAG = 100_000
LONGEST_RUN_NAME = 250
LONGEST_DATASET_NAME = 500
LONGEST_SOURCE = 65_535
"""In characters: MLflow's own limits, in mlflow/utils/validation.py and its tables."""
N_DIGEST = 8
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def keys_of(names: Iterable[str]) -> dict[str, str]:
    """Name → key of a param, metric or tag, different names different keys.

    Each character that MLflow refuses is an underscore; where that makes two names alike, those
    that were changed have a digest behind them, so that a key does not depend on their order.
    """
    plain = {name: _plain_key(name) for name in names}
    bearers: dict[str, int] = {}
    for key in plain.values():
        bearers[key] = bearers.get(key, 0) + 1
    return {
        name: key
        if len(key) <= LONGEST_KEY and (name == key or bearers[key] == 1)
        else _with_digest(name)
        for name, key in plain.items()
    }


def text_of(value: Any, limit: int) -> str:
    """value as text of at most so many characters, each of which every database can hold."""
    text = str(value).replace("\x00", REPLACEMENT)
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def clause(field: str, value: str) -> str:
    """A clause of MLflow's filters that holds for value, and may for others: compare what is found.

    What is not plainly a letter, digit or one of a few signs stands as "any character": a value in
    a filter cannot hold both kinds of quotes, and backslashes and quotes within are read otherwise.
    """
    pattern = re.sub(r"[^A-Za-z0-9 .:/@+-]", "_", value)
    return f"{field} {'=' if pattern == value else 'LIKE'} '{pattern}'"


def _plain_key(name: str) -> str:
    """MLflow's keys are paths too: no part of them may be empty or a dot, nor lead upwards."""
    parts = re.sub(r"[^\w\-. :/]", "_", name).split("/")
    key = "/".join("_" * max(1, len(part)) if part in ("", ".", "..") else part for part in parts)
    return re.sub(r"^\.{2,}", lambda dots: "_" * len(dots[0]), key)


def _with_digest(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:N_DIGEST]
    return f"{_plain_key(name)[: LONGEST_KEY - N_DIGEST - 1]}-{digest}"
