"""Keeps the caller's process as it was around each function of the Python API."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import RLock
from typing import Any

from finesweep.config import preserved_files

QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "TOKENIZERS_PARALLELISM": "false"}
"""Environment variables set for the libraries, unless the user has set them."""
SET_BY_CALLS = (
    *QUIET,
    "KMP_DUPLICATE_LIB_OK",
    "KMP_INIT_AT_FORK",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    "MLFLOW_HTTP_REQUEST_TIMEOUT",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT",
    "MLFLOW_TRACKING_URI",
    "MPLCONFIGDIR",
    "PYTHONBREAKPOINT",
    "PYTORCH_ENABLE_MPS_FALLBACK",
    "RAY_USAGE_STATS_ENABLED",
    "TORCHINDUCTOR_CACHE_DIR",
    "TORCH_WARM_POOL",
    "_MLFLOW_IS_IN_SERVING_ENVIRONMENT",
    "_MLFLOW_TELEMETRY_SESSION_ID",
)
"""Environment variables that finesweep and its libraries set during a call."""
LIBRARIES = (
    r"(PIL|accelerate|alembic|boto3|botocore|copyreg|datasets|dill|filelock|finesweep|fontTools"
    r"|fsspec|git|google|httpcore|httpx|huggingface_hub|joblib|matplotlib|mlflow|multiprocess|numpy"
    r"|onnx|onnx_ir|onnxruntime|onnxscript|openpyxl|optuna|pandas|plotly|psycopg2|pyarrow|pydantic"
    r"|ray|requests|safetensors|scipy|sklearn|skops|sqlalchemy|submitit|tokenizers|torch|torchao"
    r"|tqdm|transformers|urllib3|wordcloud)(\.|$)"
)
"""Matches the modules whose warnings and messages below an error are not shown during a call."""
OPTUNA = logging.getLogger("optuna")


Context = Callable[[], AbstractContextManager[None]]


def shared(context: Context) -> Context:
    """One context for calls in several threads: the first enters it, the last leaves it."""
    lock, entered, n_calls = RLock(), ExitStack(), 0

    @contextmanager
    def joined() -> Iterator[None]:
        nonlocal n_calls
        with lock:
            if n_calls == 0:
                entered.enter_context(context())
            n_calls += 1
        try:
            yield
        finally:
            with lock:
                n_calls -= 1
                if n_calls == 0:
                    entered.close()

    return joined


@contextmanager
def preserve_caller() -> Iterator[None]:
    """Silences libraries but for errors; restores the environment variables that calls set,
    warnings, log levels, the user's config files, and MLflow's current store and experiment once no
    call is left.

    Other threads of the caller's keep their messages, warnings and variables.
    """
    with _preserved_process(), preserved_files():
        yield


@shared
@contextmanager
def _preserved_process() -> Iterator[None]:
    with _environment(), _mlflow(), _messages(), _optuna_level(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=LIBRARIES)
        yield


@shared
@contextmanager
def no_library_bars() -> Iterator[None]:
    """Turns off the libraries' own progress bars; imports these libraries."""
    import datasets
    from transformers.utils import logging as transformers_logging

    were_shown = (
        transformers_logging.is_progress_bar_enabled(),
        datasets.are_progress_bars_disabled(),
    )
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if were_shown[0]:
            transformers_logging.enable_progress_bar()
        if not were_shown[1]:
            datasets.enable_progress_bars()


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in SET_BY_CALLS}
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        yield
    finally:
        for name, former in before.items():
            if former is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = former


@contextmanager
def _mlflow() -> Iterator[None]:
    """Restores MLflow's state without importing MLflow for it."""
    was_there = "mlflow" in sys.modules
    if was_there:
        from finesweep.tracking.current import current

        before = current()
    try:
        yield
    finally:
        if "mlflow" in sys.modules:
            from finesweep.tracking.current import NOTHING, set_current

            set_current(before if was_there else NOTHING)


@contextmanager
def _messages() -> Iterator[None]:
    """Gives the libraries' messages a level below every handler's.

    A level set on a library's logger would be lost when the library is imported later.
    """
    made, is_over = logging.getLogRecordFactory(), False

    def quiet(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = made(*args, **kwargs)
        is_of_library = re.match(LIBRARIES, str(record.name)) is not None
        if is_of_library and record.levelno < logging.ERROR and not is_over:
            record.levelno = logging.NOTSET - 1
        return record

    logging.setLogRecordFactory(quiet)
    try:
        yield
    finally:
        is_over = True
        if logging.getLogRecordFactory() is quiet:  # otherwise the caller's own may use it
            logging.setLogRecordFactory(made)


@contextmanager
def _optuna_level() -> Iterator[None]:
    before = OPTUNA.level
    try:
        yield
    finally:
        if "optuna" in sys.modules:  # it sets its level when it is imported, to INFO
            OPTUNA.setLevel(before or logging.INFO)
