"""Portfolios: known-good settings for one encoder each, from the files in portfolios/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yaml import YAMLError, safe_load

from finesweep.config.field_paths import leaf
from finesweep.config.search_path import project_folders
from finesweep.errors import ConfigError, Problem, first_line

FOLDER = "portfolios"
FROZEN_SHARE = "frozen_share"
"""In a setting: share of the encoder's layers that are frozen, in [0, 1]; 0 freezes nothing."""
KEYS = {"encoder", "origin", "settings"}
IN_TABLE = "in_table"
"""In a file, besides KEYS: true where the trials that it was chosen from are in TransferSampler's
table, so that this sampler starts from them without it."""


@dataclass(frozen=True)
class Encoder:
    """What a rate depends on: the kind of encoder and its size, from its config.json."""

    model_type: str
    n_layers: int
    hidden_size: int

    def __str__(self) -> str:
        return f"{self.model_type} with {self.n_layers} layers of size {self.hidden_size}"


@dataclass(frozen=True)
class Portfolio:
    """Settings known to be good for one encoder, best first."""

    encoder: Encoder
    origin: str
    """Where they come from: what was measured, or a publication."""
    settings: tuple[Mapping[str, Any], ...]
    """Dotted path → value, and FROZEN_SHARE instead of model.freeze_layers."""
    is_in_table: bool = False
    """Whether TransferSampler's table holds the trials that the settings were chosen from."""


def portfolio_for(encoder: Encoder) -> Portfolio | None:
    """The portfolio for encoders of exactly this kind and size; None without one.

    ConfigError lists every problem of a file.
    """
    found = (read_portfolio(path) for path in _files())
    return next((portfolio for portfolio in found if portfolio.encoder == encoder), None)


def read_portfolio(path: Path) -> Portfolio:
    """The portfolio in a YAML file; ConfigError lists every problem."""
    try:
        content = safe_load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(_problem(path, f"is not YAML: {first_line(error)}")) from error
    if not isinstance(content, dict) or content.keys() - {IN_TABLE} != KEYS:
        raise ConfigError(_problem(path, f"takes exactly {', '.join(sorted(KEYS))}"))
    if not isinstance(is_in_table := content.get(IN_TABLE, False), bool):
        raise ConfigError(_problem(path, f"{IN_TABLE} takes true or false"))
    try:
        encoder = Encoder(**content["encoder"])
    except TypeError as error:
        raise ConfigError(
            _problem(path, "encoder takes exactly model_type, n_layers and hidden_size")
        ) from error
    settings = content["settings"]
    if not isinstance(settings, list) or not all(isinstance(each, dict) for each in settings):
        raise ConfigError(_problem(path, "settings takes a list of `path: number` mappings"))
    if problems := [
        _problem(path, f"{name}: {value!r} given; {allowed}")
        for each in settings
        for name, value in each.items()
        if (allowed := _refusal(name, value))
    ]:
        raise ConfigError(*problems)
    return Portfolio(encoder, str(content["origin"]), tuple(settings), is_in_table)


def _files() -> list[Path]:
    """All portfolio files, the user's first; one of theirs replaces a packaged one of its name."""
    user, packaged = (sorted(folder.glob("*.yaml")) for folder in project_folders(FOLDER))
    names = {path.name for path in user}
    return [*user, *(path for path in packaged if path.name not in names)]


def _refusal(name: str, value: Any) -> str | None:
    """What is allowed, when the value is not; None when it is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == FROZEN_SHARE:
        return None if is_number and 0 <= value <= 1 else "takes a share from 0 to 1"
    field = leaf(name)
    if field is None or not {int, float} & field.kinds or name == "model.freeze_layers":
        return f"a setting takes fields with numbers, and {FROZEN_SHARE}"
    return None if is_number else "takes a number"


def _problem(path: Path, message: str) -> Problem:
    return Problem(f"{FOLDER}/{path.name}", message)
