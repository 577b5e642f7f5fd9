"""Where a checkpoint is read from, and whether the Hub can be reached for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    StrictDataclassError,
)
from transformers import AutoConfig, PretrainedConfig

from finesweep.config import ModelConfig
from finesweep.config.package_files import packaged_path
from finesweep.errors import ConfigError, Problem, first_line

TIMEOUT_SECONDS = 10
UNREADABLE = (
    OSError,
    ValueError,
    ImportError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
    StrictDataclassError,
)
"""What transformers raises for missing or broken files, invalid values, and model types that need a
library which is not installed."""


def source(model: ModelConfig) -> dict[str, Any]:
    """Arguments of from_pretrained: the folder or name, and where to look for it.

    ConfigError when it is in a package that is not installed.
    """
    path = str(packaged_path(model.name_or_path, field="model.name_or_path"))
    return {
        "pretrained_model_name_or_path": path,
        "revision": model.revision,
        "local_files_only": local_files_only(path, model.revision),
    }


FilesState = tuple[tuple[str, int, int], ...]
"""Name, time of change in nanoseconds and size of each file."""


def files_state(model: ModelConfig) -> FilesState:
    """The state of the files of a checkpoint's folder, by which a changed one is noticed; empty for
    a checkpoint of the Hub."""
    folder = Path(packaged_path(model.name_or_path, field="model.name_or_path"))
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    states = [(path.name, path.stat()) for path in sorted(files)]
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)


def load_config(model: ModelConfig) -> PretrainedConfig:
    """The checkpoint's own config; ConfigError when it cannot be loaded or does not fit distil."""
    arguments = source(model)
    try:
        config = AutoConfig.from_pretrained(**arguments)
    except UNREADABLE as error:
        why = _why(arguments["pretrained_model_name_or_path"], error)
        message = f"no checkpoint at {model.name_or_path!r}: {why}"
        raise ConfigError(Problem("model.name_or_path", message)) from error
    if model.distil and config.model_type != "bert":
        message = f"a DistilBERT starts from a BERT; {model.name_or_path} is {config.model_type}"
        raise ConfigError(Problem("model.distil", message))
    return config


def local_files_only(path: str, revision: str | None) -> bool:
    """Whether to skip the Hub: when it is unreachable, transformers would retry for 23 seconds."""
    return Path(path).exists() or not _answers(path, revision)


@cache
def _answers(name: str, revision: str | None) -> bool:
    try:
        HfApi().model_info(name, revision=revision, timeout=TIMEOUT_SECONDS)
    except HfHubHTTPError:
        return True
    except Exception:
        # Connection errors differ by HTTP client, which huggingface_hub has changed twice.
        return False
    return True


def _why(path: str, error: Exception) -> str:
    first = first_line(error)
    if Path(path).exists():
        has_config = (Path(path) / "config.json").exists()
        return f"its config cannot be read: {first}" if has_config else f"no config.json ({first})"
    if isinstance(error.__cause__, LocalEntryNotFoundError):
        return (
            "no such folder, the Hugging Face Hub cannot be reached, "
            "and no earlier download is cached"
        )
    return f"no such folder, and the Hub says: {first}"
