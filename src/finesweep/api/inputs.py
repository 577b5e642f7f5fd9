"""Checks a run's inputs before torch is imported, which takes seconds."""

from __future__ import annotations

from finesweep.config import Config, ModelConfig
from finesweep.config.package_files import SCHEME, packaged_path
from finesweep.errors import ConfigError, Problem
from finesweep.ledger import TimeLedger


def read_inputs(config: Config, ledger: TimeLedger) -> None:
    """Reads the dataset, which stays in memory for the run; ledger records the seconds.

    ConfigError if the data are invalid, or if the checkpoint's folder does not exist.
    """
    check_checkpoint(config.model)

    from finesweep.dataset import load_dataset

    with ledger.on("loading"):
        load_dataset(config.dataset)


def check_checkpoint(model: ModelConfig) -> None:
    """ConfigError if the checkpoint is a path that does not exist.

    A name without a slash, or with a single one inside, may be a Hub model.
    """
    name, field = model.name_or_path, "model.name_or_path"
    path = packaged_path(name, field=field)
    is_path = name.startswith((SCHEME, "/", "./", "../", "~")) or name.count("/") > 1
    if is_path and not path.exists():
        raise ConfigError(Problem(field, f"no checkpoint at {name!r}: no such folder"))
