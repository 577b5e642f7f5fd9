"""Whether the Hub can be asked for a checkpoint, found out once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

TIMEOUT_SECONDS = 10


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
