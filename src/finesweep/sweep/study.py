"""The Optuna study of a sweep: opened or made, found again, and locked while it is worked on."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from filelock import FileLock, Timeout
from optuna import Study as Study
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.samplers import BaseSampler
from sqlalchemy.exc import SQLAlchemyError

from finesweep.config import SweepPlan, build
from finesweep.databases import ensure_sqlite, sqlite_file
from finesweep.errors import ConfigError, FinesweepError, Problem, nearest
from finesweep.records import Finalist
from finesweep.sweep.attributes import DEFINITION, FINALIST, N_TRIALS, SWEEP, UID
from finesweep.sweep.identity import definition, refuse_changed
from finesweep.sweep.pruning import PerModelPruner

SHARED_SEED = ("QMCSampler",)
"""Samplers whose sequence must have the same seed in every trial."""


def open_study(plan: SweepPlan) -> Study:
    """The plan's study, made now or continued.

    ConfigError when the storage cannot be reached, or when the study's definition is another.
    """
    storage = open_storage(plan.base.config.storage.url)
    study = optuna.create_study(
        study_name=plan.study_name,
        storage=storage,
        direction=plan.settings.direction,  # type: ignore[arg-type]
        pruner=PerModelPruner(build(plan.settings.pruner)),
        load_if_exists=True,
    )
    wanted = definition(plan)
    if DEFINITION not in study.user_attrs:
        study.set_user_attr(UID, uuid.uuid4().hex)
        study.set_user_attr(SWEEP, plan.name)
        study.set_user_attr(DEFINITION, wanted)
    else:
        refuse_changed(plan, study.user_attrs[DEFINITION], wanted)
    if study.user_attrs.get(N_TRIALS) != plan.settings.n_trials:
        study.set_user_attr(N_TRIALS, plan.settings.n_trials)
    return study


def study_exists(plan: SweepPlan) -> bool:
    """Whether an earlier command made the plan's study, and so checked its space."""
    return plan.study_name in _study_names(plan.base.config.storage.url)


def known_finalist(study: Study) -> Finalist | None:
    """The winner that was evaluated and logged last."""
    stored = study.user_attrs.get(FINALIST)
    return Finalist(**stored) if stored else None


def find_study(name: str, url: str) -> Study:
    """A study that exists; ConfigError offers the nearest name of those in the storage."""
    known = _study_names(url)
    if name not in known:
        hint = nearest(name, known) if known else "none has been run here yet"
        raise ConfigError(Problem("sweep", f"no study {name!r} in {url}; {hint}"))
    study = optuna.load_study(study_name=name, storage=open_storage(url))
    if not {SWEEP, DEFINITION, N_TRIALS} <= set(study.user_attrs):
        raise ConfigError(Problem("sweep", f"study {name!r} in {url} was not made by a sweep"))
    return study


def open_storage(url: str) -> optuna.storages.BaseStorage:
    """Optuna's storage at a SQLAlchemy URL; ConfigError when it cannot be opened."""
    # What Optuna says at INFO, an Observer shows; and Optuna resets its loggers on import.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        ensure_sqlite(url, optuna.storages.get_storage)
        return optuna.storages.get_storage(url)
    except (SQLAlchemyError, StorageInternalError, ImportError, OSError, ValueError) as error:
        first = str(error.__cause__ or error).splitlines()[0]
        raise ConfigError(Problem("storage.url", f"cannot open {url!r}: {first}")) from error


@contextmanager
def sole_worker(plan: SweepPlan) -> Iterator[None]:
    """Holds the study's lock; whoever holds it knows that every RUNNING trial is a dead one's.

    The lock lies beside a SQLite database, else in the folder of checkpoints. FinesweepError when
    another process holds it.
    """
    config = plan.base.config.storage
    database = sqlite_file(config.url)
    folder = database.parent if database else Path(config.checkpoints)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{plan.study_name}.study.lock", timeout=0):
            yield
    except Timeout:
        message = f"{plan.study_name!r} is being run by another process; finesweep status shows it"
        raise FinesweepError(message) from None


def sampler_for(plan: SweepPlan, slot: int) -> BaseSampler:
    """The sampler of one slot, seeded by the sweep's seed and the slot.

    So a restarted sweep does not draw its first points again, and asks for what it would have
    asked for without the interruption.
    """
    node = dict(plan.settings.sampler)
    name = str(node.get("_target_", "")).rpartition(".")[2]
    if node.get("seed") is not None and name not in SHARED_SEED:
        node["seed"] = int(node["seed"]) + slot
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        sampler: BaseSampler = build(node)
    return sampler


def _study_names(url: str) -> list[str]:
    # Asking must not make an empty database.
    database = sqlite_file(url)
    if database is not None and not database.exists():
        return []
    return optuna.get_all_study_names(open_storage(url))
