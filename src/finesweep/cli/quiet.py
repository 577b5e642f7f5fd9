"""Libraries that talk while they work are asked to speak only of errors."""

from __future__ import annotations

import logging
import warnings


def hush() -> None:
    """Silences progress bars and notices that are no news to a user of this program."""
    import datasets
    import optuna
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for name in ("mlflow", "alembic", "huggingface_hub", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
