"""A composed config, without running anything."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep import config
from finesweep.api.caller import preserve_caller
from finesweep.api.text_lists import checked_texts
from finesweep.config import Config


@preserve_caller()
def compose(overrides: Sequence[str] = ()) -> Config:
    """The config of a run, as plain dataclasses.

    Args:
        overrides: Hydra overrides, as for `finesweep train`.

    Returns:
        A Config with the sections of conf/: dataset, model, training, tracking, ….

    Raises:
        ConfigError: If an override is invalid, with its dotted path; of values out of range, all.

    Example:
        >>> finesweep.compose(["training.epochs=2"]).training.epochs
        2
    """
    return config.compose(checked_texts(overrides)).config
