"""Failure classes of attempts, and which of them are retried."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from optuna.exceptions import UpdateFinishedTrialError
from sqlalchemy.exc import DBAPIError

from finesweep.config import install_command, missing_package
from finesweep.errors import (
    REPLACE,
    ConfigError,
    FinesweepError,
    NonFiniteError,
    Problem,
    reason,
)
from finesweep.sweep.study.storage import is_storage_outage
from finesweep.tracking.outages import is_tracking_outage

FailureClass = Literal[
    "interrupted", "infrastructure", "out_of_memory", "non_finite", "trial", "sweep"
]
NO_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "Cannot allocate memory",
    "bad_alloc",  # C++, through PyTorch
    "could not create a primitive",  # oneDNN, when its kernels get no memory
    "could not execute a primitive",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "can't start new thread",
    "failed to map segment",  # the loader, when a library is imported
)
"""What errors say when memory is exhausted: PyTorch's, Python's, and those of C libraries."""
MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EROFS}
"""OSError codes for a full, broken or missing disk: the trial was not at fault."""


GONE = "Record does not exist."
"""Message of Optuna's KeyError for a trial that was deleted while a worker ran it."""


class WholeSweepError(ConfigError):
    """An error that every other trial would hit too. Exit code 2."""


class UnsoundError(FinesweepError):
    """After a failed attempt this process can compute nothing any more. Exit code 75."""

    exit_code = REPLACE


@dataclass(frozen=True)
class Failure:
    """One failed attempt: its class, and its reason in one line."""

    kind: FailureClass
    reason: str

    def retries(self, *, n_out_of_memory: int, batch_size: int) -> bool:
        """Whether the slot is retried, after n_out_of_memory attempts that ran out of memory.

        That is retried once, with half the batch; a batch of one cannot be halved.
        """
        if self.kind == "out_of_memory":
            return n_out_of_memory == 0 and batch_size > 1
        return self.kind in ("interrupted", "infrastructure", "sweep")


def classify(error: BaseException) -> Failure:
    return Failure(_kind(error), reason(error))


def _kind(error: BaseException) -> FailureClass:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, NonFiniteError):
        return "non_finite"
    if isinstance(error, ConfigError):
        if isinstance(error, WholeSweepError):
            return "sweep"
        return "infrastructure" if _store_is_away(error.__cause__) else "trial"
    if _no_memory(error):
        return "out_of_memory"
    if isinstance(error, OSError) and (
        error.errno in MACHINE or isinstance(error, ConnectionError)
    ):
        return "infrastructure"
    return (
        "infrastructure" if is_storage_outage(error) or isinstance(error, DBAPIError) else "trial"
    )


def _store_is_away(cause: BaseException | None) -> bool:
    """Whether a teacher could not be read because the tracking store is away. An OSError may as
    well be a file that does not exist."""
    return cause is not None and not isinstance(cause, OSError) and is_tracking_outage(cause)


def _no_memory(error: BaseException) -> bool:
    # torch raises its own error only when it is loaded; classifying one must not load it.
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError | ImportError) and any(
        words in str(error) for words in NO_MEMORY
    )


@contextmanager
def whole_sweeps(field: str, node: dict[str, Any] | None) -> Iterator[None]:
    """Turns an error of the object configured at field into WholeSweepError.

    node is its config. Errors of the storage or the machine pass through.
    """
    try:
        yield
    except (ConfigError, UpdateFinishedTrialError):
        raise
    except Exception as error:
        if classify(error).kind != "trial" or GONE in str(error):
            raise
        name = str((node or {}).get("_target_")).rpartition(".")[2]
        raise WholeSweepError(Problem(field, f"{name} failed: {_why(error)}")) from error


def _why(error: Exception) -> str:
    package = missing_package(error)
    return f"it needs {package}: {install_command(package)}" if package else reason(error)
