"""Why an attempt failed, and whether its slot is to be tried again."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from optuna.exceptions import UpdateFinishedTrialError
from sqlalchemy.exc import DBAPIError

from finesweep.config import missing_package
from finesweep.errors import ConfigError, NonFiniteError, Problem, reason
from finesweep.sweep.study.storage import is_storage_outage

FailureClass = Literal[
    "interrupted", "infrastructure", "out_of_memory", "non_finite", "trial", "sweep"
]
NO_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "Cannot allocate memory",
    "could not create a primitive",  # oneDNN, whose kernels get no memory
)
"""How PyTorch's CPU allocator and the C libraries beneath it say it, in a RuntimeError."""
MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EROFS}
"""Of an OSError: the disk is full, broken or gone; nothing was wrong with the trial."""


GONE = "Record does not exist."
"""What Optuna's KeyError says of a trial that was deleted under a worker."""


class WholeSweepError(ConfigError):
    """Nothing of one trial was wrong: every other one would meet the same. Exit code 2."""


@dataclass(frozen=True)
class Failure:
    """One failed attempt: its class and one line for people."""

    kind: FailureClass
    reason: str

    def retries(self, *, n_out_of_memory: int, batch_size: int) -> bool:
        """Whether the slot is tried again, after so many attempts that ran out of memory.

        Once at half the batch; a batch of one cannot be halved.
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
        return "sweep" if isinstance(error, WholeSweepError) else "trial"
    if _no_memory(error):
        return "out_of_memory"
    if isinstance(error, OSError) and (
        error.errno in MACHINE or isinstance(error, ConnectionError)
    ):
        return "infrastructure"
    return (
        "infrastructure" if is_storage_outage(error) or isinstance(error, DBAPIError) else "trial"
    )


def _no_memory(error: BaseException) -> bool:
    # Its own error is only there when torch is: nobody loads it to look at an error.
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)


@contextmanager
def whole_sweeps(field: str, described: dict[str, Any] | None) -> Iterator[None]:
    """An error of what is described under a field is the whole sweep's, and no slot's.

    WholeSweepError then; what the storage or the machine raises passes through.
    """
    try:
        yield
    except (ConfigError, UpdateFinishedTrialError):
        raise
    except Exception as error:
        if classify(error).kind != "trial" or GONE in str(error):
            raise
        name = str((described or {}).get("_target_")).rpartition(".")[2]
        raise WholeSweepError(Problem(field, f"{name} failed: {_why(error)}")) from error


def _why(error: Exception) -> str:
    package = missing_package(error)
    return f"it needs {package}: pip install {package}" if package else reason(error)
