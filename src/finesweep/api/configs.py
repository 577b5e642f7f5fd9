"""A composed config, without running anything."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep import config
from finesweep.api.caller import caller_kept
from finesweep.config import Config


@caller_kept()
def compose(overrides: Sequence[str] = ()) -> Config:
    """The config of a run, as plain dataclasses.

    Args:
        overrides: Hydra overrides, as behind `finesweep train`.

    Returns:
        A Config, whose sections are those of conf/: dataset, model, training, tracking, ….

    Raises:
        ConfigError: Every problem, with its dotted path and what is allowed.

    Example:
        >>> finesweep.compose(["training.epochs=2"]).training.epochs
        2
    """
    return config.compose(overrides).config
