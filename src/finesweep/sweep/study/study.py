"""The Optuna study of a sweep: opened or made, joined by workers, and found again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import optuna
from optuna import Study as Study

from finesweep.config import (
    SweepPlan,
    compose_sweep,
    typed_overrides,
    use_files,
    user_files,
    worker_overrides,
)
from finesweep.databases import hidden_password, sqlite_file
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.locks import exclusive
from finesweep.records import Finalist
from finesweep.sweep.comparisons import BaselineResult, Contender, ModelComparison
from finesweep.sweep.study.definition import check_same_definition, definition, with_older_defaults
from finesweep.sweep.study.keys import (
    BASELINE,
    COMPARISONS,
    DATA_NOTES,
    DEFINITION,
    FILES,
    FINALIST,
    GIVEN,
    LAUNCHED,
    LEASE_SECONDS,
    N_TRIALS,
    OVERRIDES,
    PRECISION,
    STOP,
    SWEEP,
    UID,
)
from finesweep.sweep.study.pruner import pruner_of
from finesweep.sweep.study.storage import OnWait, open_storage


def open_study(plan: SweepPlan) -> Study:
    """The plan's study, made now or continued, with what its workers need to join.

    ConfigError when the storage cannot be reached, or when the study's definition is another.
    """
    storage = open_storage(plan.base.config.storage.url)
    # Two first commands at once must agree on one identity.
    with exclusive(storage.engine, f"{plan.study_name}.study"):
        study = _defined(plan, storage)
    known = study.user_attrs
    launched = {
        N_TRIALS: plan.settings.n_trials,
        LEASE_SECONDS: plan.settings.lease_seconds,
        OVERRIDES: worker_overrides(plan),
        GIVEN: typed_overrides(plan),
        FILES: user_files(),
        LAUNCHED: datetime.now().isoformat(),
        STOP: "",
    }
    for name, value in launched.items():
        if known.get(name) != value:
            study.set_user_attr(name, value)
    return study


def join_study(
    name: str, url: str, overrides: Sequence[str], on_wait: OnWait
) -> tuple[SweepPlan, Study]:
    """The plan and the study of a sweep that was begun elsewhere, for one more worker.

    overrides are this worker's own places, such as tracking.uri; they win. From then on a storage
    that is away is waited for.
    """
    found = find_study(name, url)
    attributes = found.user_attrs
    plan = with_older_defaults(plan_of(found, overrides), attributes[DEFINITION])
    study = optuna.load_study(
        study_name=name,
        storage=open_storage(url, on_wait=on_wait),
        pruner=pruner_of(plan),
    )
    check_same_definition(plan, attributes[DEFINITION], definition(plan))
    _require_precision(attributes.get(PRECISION))
    return plan, study


def plan_of(study: Study, overrides: Sequence[str]) -> SweepPlan:
    """What the study's sweep is to do, composed of the files of whoever began it."""
    attributes = study.user_attrs
    use_files(attributes[FILES])
    return compose_sweep(attributes[SWEEP], [*attributes[OVERRIDES], *overrides])


def _require_precision(precision: str | None) -> None:
    """ConfigError on a machine that cannot train as this study's trials were trained."""
    from finesweep.training import is_native

    if precision is not None and not is_native(precision):
        message = f"the study was made with {precision}, which this machine does not multiply"
        raise ConfigError(Problem("training.precision", message))


def _defined(plan: SweepPlan, storage: optuna.storages.BaseStorage) -> Study:
    study = optuna.create_study(
        study_name=plan.study_name,
        storage=storage,
        direction=plan.direction,
        pruner=pruner_of(plan),
        load_if_exists=True,
    )
    kept = study.user_attrs.get(DEFINITION)
    wanted = definition(plan if kept is None else with_older_defaults(plan, kept))
    if kept is None:
        study.set_user_attr(UID, uuid.uuid4().hex)
        study.set_user_attr(SWEEP, plan.name)
        if plan.base.config.training.precision == "auto":
            from finesweep.training import resolve_precision  # torch, which a second start spares

            study.set_user_attr(PRECISION, resolve_precision("auto"))
        study.set_user_attr(DEFINITION, wanted)
    else:
        check_same_definition(plan, kept, wanted)
    return study


def study_exists(plan: SweepPlan) -> bool:
    """Whether an earlier command made the plan's study, and so checked its space."""
    return plan.study_name in _study_names(plan.base.config.storage.url)


def finalist_in(attributes: Mapping[str, Any]) -> Finalist | None:
    """The winner that was evaluated and logged last, of a study's user attributes."""
    stored = attributes.get(FINALIST)
    return Finalist(**stored) if stored else None


def baseline_in(attributes: Mapping[str, Any]) -> BaselineResult | None:
    """What the winner was compared with last, of a study's user attributes."""
    stored = attributes.get(BASELINE)
    return BaselineResult(**stored) if stored else None


def data_notes_of(study: Study) -> list[str]:
    """What was dropped, carved and cut of the data, each sentence once."""
    attributes = study.user_attrs
    told = (attributes[name] for name in sorted(attributes) if name.startswith(DATA_NOTES))
    return list(dict.fromkeys(note for notes in told for note in notes))


def comparisons_in(attributes: Mapping[str, Any]) -> list[ModelComparison]:
    """The best of each model with the best of each other one, of a study's user attributes."""
    return [
        ModelComparison(
            **{**each, "first": Contender(**each["first"]), "second": Contender(**each["second"])}
        )
        for each in attributes.get(COMPARISONS, [])
    ]


def find_study(name: str, url: str) -> Study:
    """A study that exists; ConfigError offers the nearest name of those in the storage."""
    known = _study_names(url)
    if name not in known:
        hint = nearest(name, known) if known else "none has been run here yet"
        raise ConfigError(Problem("sweep", f"no study {name!r} in {hidden_password(url)}; {hint}"))
    study = optuna.load_study(study_name=name, storage=open_storage(url))
    if not {SWEEP, DEFINITION, N_TRIALS} <= set(study.user_attrs):
        raise ConfigError(
            Problem("sweep", f"study {name!r} in {hidden_password(url)} was not made by a sweep")
        )
    return study


def _study_names(url: str) -> list[str]:
    # Asking must not make an empty database.
    database = sqlite_file(url)
    if database is not None and not database.exists():
        return []
    return [name for name in optuna.get_all_study_names(open_storage(url)) if "+" not in name]
