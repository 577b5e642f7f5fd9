"""Where a checkpoint is read from, and whether the Hub can be asked for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from finesweep.config import ModelConfig
from finesweep.config.package_files import packaged_path

TIMEOUT_SECONDS = 10


def source(model: ModelConfig) -> dict[str, Any]:
    """What from_pretrained takes of a config: the folder or name, and where to look for it.

    ConfigError when it lies in a package that is not installed.
    """
    path = str(packaged_path(model.name_or_path, field="model.name_or_path"))
    return {
        "pretrained_model_name_or_path": path,
        "revision": model.revision,
        "local_files_only": local_files_only(path, model.revision),
    }


def local_files_only(path: str, revision: str | None) -> bool:
    """Whether to look only in folders and the cache: transformers would retry for 23 seconds."""
    return Path(path).exists() or not _answers(path, revision)


@cache
def _answers(name: str, revision: str | None) -> bool:
    try:
        HfApi().model_info(name, revision=revision, timeout=TIMEOUT_SECONDS)
    except HfHubHTTPError:
        return True
    except Exception:
        # Names of connection errors differ by HTTP client, which huggingface_hub has changed twice.
        return False
    return True
