"""What a run starts from, looked at before the seconds that torch takes to load."""

from __future__ import annotations

from finesweep.config import Config, ModelConfig
from finesweep.config.package_files import SCHEME, packaged_path
from finesweep.errors import ConfigError, Problem
from finesweep.ledger import TimeLedger


def read_inputs(config: Config, ledger: TimeLedger) -> None:
    """Reads the dataset, which then stays in memory for the run; ledger takes the seconds.

    ConfigError lists what is wrong with it, or says that the checkpoint's folder is not there.
    """
    check_checkpoint(config.model)

    from finesweep.dataset import load_dataset

    with ledger.on("loading"):
        load_dataset(config.dataset)


def check_checkpoint(model: ModelConfig) -> None:
    """ConfigError when the checkpoint is named by a path, and nothing is there.

    A name without a slash, or with one between two words, may be one of the Hub's.
    """
    name, field = model.name_or_path, "model.name_or_path"
    path = packaged_path(name, field=field).expanduser()
    is_path = name.startswith((SCHEME, "/", "./", "../", "~")) or name.count("/") > 1
    if is_path and not path.exists():
        raise ConfigError(Problem(field, f"no checkpoint at {name!r}: no such folder"))
