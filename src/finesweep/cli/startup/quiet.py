"""Limits the output of libraries to errors."""

from __future__ import annotations

import logging
import os
import warnings

from finesweep.api.caller import QUIET

ON_IMPORT = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}
"""Environment variables that the libraries read on import; the user's own values win."""


def silence_libraries() -> None:
    """Silences the libraries' progress bars, warnings and notices."""
    for name, value in (ON_IMPORT | QUIET).items():
        os.environ.setdefault(name, value)
    for name in ("alembic", "huggingface_hub", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It logs a traceback for each failed statement; finesweep prints one line for an outage.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore")
