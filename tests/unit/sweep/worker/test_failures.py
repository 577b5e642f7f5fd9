"""What went wrong decides whether the slot is tried again."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, TEMPORARILY_UNAVAILABLE
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.samplers import RandomSampler
from sqlalchemy.exc import IntegrityError, OperationalError
from tests.unit.sweep.conftest import PlanOf

from finesweep.errors import ConfigError, NonFiniteError, Problem
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.reconcile import reconcile
from finesweep.sweep.study.slots import claim, slots_of
from finesweep.sweep.study.study import open_study
from finesweep.sweep.worker.failures import (
    Failure,
    FailureClass,
    WholeSweepError,
    classify,
    whole_sweeps,
)
from finesweep.sweep.worker.loop import WorkerLoop
from finesweep.sweep.worker.phases import Search

ALLOCATOR = (
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 4096 bytes. Error code 12 (Cannot allocate memory)"
)


def database_error(kind: type[IntegrityError] | type[OperationalError]) -> StorageInternalError:
    cause_of_cause = type(kind.__name__, (Exception,), {})("gone")
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = kind("SELECT 1", {}, cause_of_cause)
    return error


WITHOUT_MEMORY = [
    RuntimeError(ALLOCATOR),
    RuntimeError("std::bad_alloc"),
    RuntimeError("could not create a primitive"),
    RuntimeError("could not execute a primitive"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("can't start new thread"),
    ImportError("_sqlite3.cpython-311-x86_64-linux-gnu.so: failed to map segment"),
]


def refused(cause: Exception) -> ConfigError:
    """A teacher that could not be read, for this reason."""
    error = ConfigError(Problem("training.teacher", "no"))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (OSError(errno.ENOSPC, "full"), "infrastructure", "OSError: [Errno 28] full"),
        (OSError(errno.EIO, "broken"), "infrastructure", "OSError: [Errno 5] broken"),
        (
            refused(MlflowException("away", TEMPORARILY_UNAVAILABLE)),
            "infrastructure",
            "training.teacher: no",
        ),
        (
            refused(MlflowException("absent", RESOURCE_DOES_NOT_EXIST)),
            "trial",
            "training.teacher: no",
        ),
        (refused(FileNotFoundError("gone")), "trial", "training.teacher: no"),
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
        *((each, "out_of_memory", f"{type(each).__name__}: {each}") for each in WITHOUT_MEMORY),
        (OSError(errno.ENOMEM, "fork"), "out_of_memory", "OSError: [Errno 12] fork"),
        (MemoryError(), "out_of_memory", "MemoryError: "),
        (RuntimeError("a shape"), "trial", "RuntimeError: a shape"),
        (ImportError("no module"), "trial", "ImportError: no module"),
        (NonFiniteError("loss is nan"), "non_finite", "loss is nan"),
        (ConfigError(Problem("model", "out of memory")), "trial", "model: out of memory"),
        (WholeSweepError(Problem("sweep.sampler", "no")), "sweep", "sweep.sampler: no"),
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
        ("sweep", 0, 8, True),
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


class Failing(RandomSampler):
    """Cannot even begin."""

    def before_trial(self, study: Any, trial: Any) -> None:
        raise ZeroDivisionError("no variance")


class FailingLater(RandomSampler):
    """Begins, and draws nothing."""

    def sample_independent(self, *asked: Any) -> Any:
        raise ZeroDivisionError("no variance")


@pytest.mark.parametrize("sampler", [Failing, FailingLater])
def test_a_sampler_that_fails_costs_no_slot_and_ends_the_sweep(
    plan_of: PlanOf, sampler: type[RandomSampler]
) -> None:
    plan = plan_of(
        "n_trials: 2\nparams: {training.epochs: 'range(1, 3)'}",
        f"sweep.sampler={{_target_: {__name__}.{sampler.__name__}}}",
    )
    study = open_study(plan)
    stage = Search(plan, study)
    reconcile(study, plan.settings, 2, {}, may_reap=False)
    claimed = claim(study, 2)
    assert claimed is not None
    nothing = SimpleNamespace(release=lambda: None, is_steady=True)
    reports = SimpleNamespace(lease=nothing, interruption=SimpleNamespace(check=lambda: None))
    worker = WorkerLoop(plan, stage, reports, run=lambda attempt: stage.spec(attempt.trial))  # type: ignore[arg-type, return-value]
    message = rf"^sweep\.sampler: {sampler.__name__} failed: ZeroDivisionError: no variance$"
    with pytest.raises(WholeSweepError, match=message) as caught:
        worker._run_slot(claimed)
    assert caught.value.exit_code == 2
    assert [slot.state for slot in slots_of(study.get_trials(), 2)] == ["waiting", "waiting"]
    engine_of(study).dispose()


def test_a_trial_that_others_finished_is_not_the_samplers_fault() -> None:
    with pytest.raises(UpdateFinishedTrialError), whole_sweeps("sweep.sampler", {}):
        raise UpdateFinishedTrialError("gone")
    with pytest.raises(OSError, match="full"), whole_sweeps("sweep.sampler", {}):
        raise OSError(errno.ENOSPC, "full")
