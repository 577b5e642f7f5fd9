"""Splits from the Hugging Face Hub, with one clear error if it cannot be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import datasets
import pandas as pd
from datasets.exceptions import DatasetsError
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from finesweep.config.schema import DatasetConfig
from finesweep.dataset.reading.tables.columnar import feature_names
from finesweep.errors import ConfigError, Problem
from finesweep.records import SPLITS, SplitName

TIMEOUT_SECONDS = 10
SCHEME = "hf://"
HUB_PATH = re.compile(
    r"hf://(?:datasets/)?(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<rev>[\w.-]+))?(?:/(?P<subset>[\w.-]+))?"
)


@dataclass(frozen=True)
class HubName:
    """A dataset on the Hub."""

    repository: str
    """OWNER/NAME."""
    subset: str | None
    revision: str | None


def hub_name(config: DatasetConfig) -> HubName | None:
    """The dataset on the Hub that the config names, by dataset.hub or by a path
    hf://OWNER/NAME[@REVISION][/CONFIG]; None if it names files.

    ConfigError if an hf:// path is malformed.
    """
    if config.hub is not None:
        return HubName(config.hub, config.hub_config, config.revision)
    if config.path is None or not config.path.startswith(SCHEME):
        return None
    if (parts := HUB_PATH.fullmatch(config.path)) is None:
        message = f"{config.path!r} is not hf://OWNER/NAME[@REVISION][/CONFIG]"
        raise ConfigError(Problem("dataset.path", message))
    return HubName(
        parts["repository"], parts["subset"] or config.hub_config, parts["rev"] or config.revision
    )


def read_hub(
    name: HubName, *, label_column: str
) -> tuple[dict[SplitName, pd.DataFrame], tuple[str, ...] | None]:
    """Split → table with all columns, and the class names if the label column is a ClassLabel or
    lists of it, else None.

    A ClassLabel's -1, which means unlabelled on the Hub, is a missing label. Without a network, an
    earlier download is read from the cache. ConfigError if the Hub has no such dataset, or if
    neither the Hub nor the cache has it.
    """
    hub = name.repository
    splits = _download(hub, subset=name.subset, revision=name.revision)
    if "train" not in splits:
        raise _problem(f"{hub} has no split named train, only {', '.join(splits)}")
    names = feature_names(splits["train"].features).get(label_column)
    tables = {name: splits[name].to_pandas() for name in SPLITS if name in splits}
    if names is None:
        return tables, None
    return {name: without_unlabelled(table, label_column) for name, table in tables.items()}, names


def without_unlabelled(table: pd.DataFrame, label_column: str) -> pd.DataFrame:
    """table with a ClassLabel's -1 as a missing label."""
    column = table[label_column]
    if not pd.api.types.is_numeric_dtype(column):
        return table  # lists of labels
    return table.assign(**{label_column: column.mask(column < 0)})


def _download(hub: str, *, subset: str | None, revision: str | None) -> datasets.DatasetDict:
    obstacle = _obstacle(hub, revision=revision)
    try:
        with _offline(obstacle is not None):
            return datasets.load_dataset(hub, subset, revision=revision)
    except (OSError, ValueError, RuntimeError, DatasetsError) as error:
        if obstacle is not None:
            raise _problem(
                f"{hub} is not cached, and the Hugging Face Hub cannot be reached ({obstacle}); "
                "dataset=local dataset.path=FILE reads your own files"
            ) from None
        raise _problem(f"{hub} cannot be loaded: {error}") from error


def _obstacle(hub: str, *, revision: str | None) -> str | None:
    """Why the Hub cannot be reached, or None; checked once, since datasets retries for 23 s."""
    try:
        HfApi().dataset_info(hub, revision=revision, timeout=TIMEOUT_SECONDS)
    except RepositoryNotFoundError:
        raise _problem(
            f"the Hub has no dataset {hub}, or it is private or gated and `hf auth login` is needed"
        ) from None
    except RevisionNotFoundError:
        raise ConfigError(
            Problem("dataset.revision", f"{hub} has no branch, tag or commit {revision!r}")
        ) from None
    except OfflineModeIsEnabled:
        return "HF_HUB_OFFLINE is set"
    except Exception as error:
        # Exception types depend on huggingface_hub's HTTP client, which has changed twice.
        return str(error).partition("\n")[0]
    return None


@contextmanager
def _offline(active: bool) -> Iterator[None]:
    """A context in which datasets reads only its cache, as under HF_HUB_OFFLINE, without
    retries."""
    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = before or active
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = before


def _problem(message: str) -> ConfigError:
    return ConfigError(Problem("dataset.hub", message))
