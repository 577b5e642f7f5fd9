"""Keeps the caller's process as it was around each function of the Python API."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import RLock

from finesweep.config import preserved_files

QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "TOKENIZERS_PARALLELISM": "false"}
"""Environment variables set for the libraries, unless the user has set them."""
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
    """Silences libraries but for errors; restores environment, warnings, log levels, the user's
    config files, and MLflow's current store and experiment once no call is left."""
    with _preserved_process(), preserved_files():
        yield


@shared
@contextmanager
def _preserved_process() -> Iterator[None]:
    with _environment(), _mlflow(), _logging(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
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
    before = dict(os.environ)
    os.environ.update(QUIET | before)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


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
def _logging() -> Iterator[None]:
    # A level set on a library's logger is lost when the library is imported later.
    before, optuna = logging.root.manager.disable, OPTUNA.level
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
        if "optuna" in sys.modules:  # it sets its level when it is imported, to INFO
            OPTUNA.setLevel(optuna or logging.INFO)
