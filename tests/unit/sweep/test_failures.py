"""What went wrong decides whether the slot is tried again."""

from __future__ import annotations

import errno

import pytest
import torch
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import IntegrityError, OperationalError

from finesweep.errors import ConfigError, NonFiniteError, Problem
from finesweep.sweep.failures import Failure, FailureClass, classify

ALLOCATOR = (
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 4096 bytes. Error code 12 (Cannot allocate memory)"
)


def database_error(kind: type[IntegrityError] | type[OperationalError]) -> StorageInternalError:
    cause_of_cause = type(kind.__name__, (Exception,), {})("gone")
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = kind("SELECT 1", {}, cause_of_cause)
    return error


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (OSError(errno.ENOSPC, "full"), "infrastructure", "OSError: [Errno 28] full"),
        (OSError(errno.EIO, "broken"), "infrastructure", "OSError: [Errno 5] broken"),
        (FileNotFoundError(errno.ENOENT, "no"), "trial", "FileNotFoundError: [Errno 2] no"),
        (ConnectionResetError("reset"), "infrastructure", "ConnectionResetError: reset"),
        (
            database_error(OperationalError),
            "infrastructure",
            "StorageInternalError: An exception is raised during the commit.",
        ),
        (
            database_error(IntegrityError),
            "trial",
            "StorageInternalError: An exception is raised during the commit.",
        ),
        (torch.OutOfMemoryError("CUDA"), "out_of_memory", "OutOfMemoryError: CUDA"),
        (RuntimeError(ALLOCATOR), "out_of_memory", f"RuntimeError: {ALLOCATOR}"),
        (OSError(errno.ENOMEM, "fork"), "out_of_memory", "OSError: [Errno 12] fork"),
        (MemoryError(), "out_of_memory", "MemoryError: "),
        (RuntimeError("a shape"), "trial", "RuntimeError: a shape"),
        (NonFiniteError("loss is nan"), "non_finite", "loss is nan"),
        (ConfigError(Problem("model", "out of memory")), "trial", "model: out of memory"),
        (ValueError("two\n  lines"), "trial", "ValueError: two lines"),
        (KeyboardInterrupt(), "interrupted", "interrupted"),
    ],
)
def test_an_error_says_which_class_of_failure_it_is(
    error: BaseException, kind: str, reason: str
) -> None:
    found = classify(error)
    assert (found.kind, found.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("kind", "n_out_of_memory", "batch_size", "retried"),
    [
        ("interrupted", 3, 1, True),
        ("infrastructure", 3, 1, True),
        ("non_finite", 0, 8, False),
        ("trial", 0, 8, False),
        ("out_of_memory", 0, 8, True),
        ("out_of_memory", 1, 8, False),
        ("out_of_memory", 0, 2, True),
        ("out_of_memory", 0, 1, False),
    ],
)
def test_only_what_may_go_well_the_next_time_is_tried_again(
    kind: FailureClass, n_out_of_memory: int, batch_size: int, retried: bool
) -> None:
    failure = Failure(kind, "why")
    assert failure.retries(n_out_of_memory=n_out_of_memory, batch_size=batch_size) is retried
