"""The process of whoever calls a function of the Python API, which stays as it was."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "TOKENIZERS_PARALLELISM": "false"}
"""What libraries read while they work, unless the user has set it."""
OPTUNA = logging.getLogger("optuna")


@contextmanager
def caller_kept() -> Iterator[None]:
    """Within it libraries speak only of errors; afterwards environment, warnings, log levels and
    MLflow's current store and experiment are what they were."""
    with ExitStack() as kept:
        kept.enter_context(_environment())
        kept.enter_context(_mlflow())
        kept.enter_context(_logging())
        kept.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


@contextmanager
def without_bars() -> Iterator[None]:
    """Within it no library shows a progress bar of its own; for when they are imported anyway."""
    import datasets
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled(), datasets.are_progress_bars_disabled()
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown[0]:
            transformers_logging.enable_progress_bar()
        if not shown[1]:
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
    """MLflow is imported by what needs it, not for this."""
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
    # A level that is given to a library's logger is lost when the library is imported later.
    before, optuna = logging.root.manager.disable, OPTUNA.level
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
        if "optuna" in sys.modules:  # which knows no level of a call, and its own default is INFO
            OPTUNA.setLevel(optuna or logging.INFO)
