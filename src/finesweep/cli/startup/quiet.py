"""Libraries that talk while they work are asked to speak only of errors."""

from __future__ import annotations

import logging
import os
import warnings

QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Read when the libraries are first imported; what the user has set stays."""


def silence_libraries() -> None:
    """Silences progress bars and notices that are no news to a user of this program."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for name in ("alembic", "huggingface_hub", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # Each failed statement with its traceback; what is waited for is told in one line.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore")
