"""The Optuna study of a sweep: created or continued, joined by workers, found by name."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import optuna
from optuna import Study as Study
from optuna.pruners import BasePruner

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
    GRID,
    LAUNCHED,
    LEASE_SECONDS,
    N_TRIALS,
    OVERRIDES,
    PAST_STUDIES,
    PORTFOLIO,
    PRECISION,
    STOP,
    SWEEP,
    TEACHERS,
    UID,
    is_confirmation,
)
from finesweep.sweep.study.objectives.first_objective import (
    by_first_objective,
    load_by_first,
    name_objectives,
)
from finesweep.sweep.study.portfolio import portfolio_in
from finesweep.sweep.study.pruner import pruner_of
from finesweep.sweep.study.sampling.known_slots import grid_of
from finesweep.sweep.study.sampling.node import learns
from finesweep.sweep.study.sampling.past_studies import chosen_studies
from finesweep.sweep.study.storage import OnWait, open_storage
from finesweep.sweep.study.teachers import read_teachers, with_teachers
from finesweep.sweep.time_budget import begin_budget


def open_study(plan: SweepPlan) -> Study:
    """The plan's study, created or continued, with the user attributes that workers need to join.

    ConfigError when the storage cannot be reached, when the study has another definition, or when
    its name is that of a confirmation.
    """
    if is_confirmation(plan.study_name):
        message = (
            f"{plan.study_name!r} is the name of a confirmation; rename the sweep's file, or name "
            f"the study: finesweep sweep {plan.name} sweep.study=NAME …"
        )
        raise ConfigError(Problem("sweep.study", message))
    storage = open_storage(plan.base.config.storage.url)
    # Two first commands at the same time must agree on one definition.
    with exclusive(storage.engine, f"{plan.study_name}.study"):
        study = _create_or_check(plan, storage)
    attributes = study.user_attrs
    grid = grid_of(plan, portfolio_in(attributes))
    launch = {
        **begin_budget(study, plan, limit=None if grid is None else grid.n_slots),
        **({} if grid is None else {GRID: asdict(grid)}),
        LEASE_SECONDS: plan.settings.lease_seconds,
        OVERRIDES: worker_overrides(plan),
        GIVEN: typed_overrides(plan),
        FILES: user_files(),
        LAUNCHED: datetime.now().isoformat(),
        STOP: "",
    }
    for name, value in launch.items():
        if attributes.get(name) != value:
            study.set_user_attr(name, value)
    return study


def join_study(
    name: str, url: str, overrides: Sequence[str], on_wait: OnWait
) -> tuple[SweepPlan, Study]:
    """The plan and the study of an existing sweep, for one more worker.

    overrides are this worker's locations, such as tracking.uri; they win. The returned study waits
    through storage outages.
    """
    existing = find_study(name, url)
    attributes = existing.user_attrs
    plan = with_older_defaults(plan_of(existing, overrides), attributes[DEFINITION])
    pruner = pruner_of(plan)
    study = load_by_first(name, open_storage(url, on_wait=on_wait))
    study.pruner = pruner
    check_same_definition(plan, attributes[DEFINITION], definition(plan))
    _require_precision(attributes.get(PRECISION))
    return plan, study


def plan_of(study: Study, overrides: Sequence[str]) -> SweepPlan:
    """The study's plan, composed from the config files of the process that started the sweep, with
    the teachers that the study has fixed."""
    attributes = study.user_attrs
    use_files(attributes[FILES])
    plan = compose_sweep(attributes[SWEEP], [*attributes[OVERRIDES], *overrides])
    return with_teachers(plan, attributes)


def _require_precision(precision: str | None) -> None:
    """ConfigError on a machine without native support for the study's precision."""
    from finesweep.training import is_native

    if precision is not None and not is_native(precision):
        message = f"the study uses {precision}, which this machine does not support natively"
        raise ConfigError(Problem("training.precision", message))


def _create_or_check(plan: SweepPlan, storage: optuna.storages.BaseStorage) -> Study:
    pruner = pruner_of(plan)
    study = _study_in(storage, plan.study_name)
    if study is None or DEFINITION not in study.user_attrs:
        return _create(plan, storage, pruner, left=study)
    recorded = study.user_attrs[DEFINITION]
    check_same_definition(plan, recorded, definition(with_older_defaults(plan, recorded)))
    study.pruner = pruner
    return study


def _create(
    plan: SweepPlan,
    storage: optuna.storages.BaseStorage,
    pruner: BasePruner,
    *,
    left: Study | None,
) -> Study:
    """A new study in place of an empty one that an earlier command has left."""
    if left is not None and left.get_trials(deepcopy=False):
        where = hidden_password(plan.base.config.storage.url)
        message = (
            f"study {plan.study_name!r} in {where} was not made by a sweep; start a new one with: "
            f"finesweep sweep {plan.name} sweep.study={plan.study_name}-2 …"
        )
        raise ConfigError(Problem("sweep.study", message))
    fixed = _fixed_attributes(plan, storage)
    if left is not None:
        optuna.delete_study(study_name=plan.study_name, storage=storage)
    whole = optuna.create_study(
        study_name=plan.study_name,
        storage=storage,
        directions=[each.direction for each in plan.objectives],
        pruner=pruner,
    )
    if len(plan.objectives) > 1:
        name_objectives(whole, [each.metric for each in plan.objectives])
    for name, value in fixed.items():
        whole.set_user_attr(name, value)
    return by_first_objective(whole)


def _fixed_attributes(plan: SweepPlan, storage: optuna.storages.BaseStorage) -> dict[str, Any]:
    """What a new study fixes for all its commands; last its definition, which says that it is
    whole."""
    fixed: dict[str, Any] = {UID: uuid.uuid4().hex, SWEEP: plan.name}
    if plan.base.config.training.precision == "auto":
        from finesweep.training import resolve_precision  # loads torch; later starts skip it

        fixed[PRECISION] = resolve_precision("auto")
    if teachers := read_teachers(plan):
        fixed[TEACHERS] = teachers
    if learns(plan):
        fixed[PAST_STUDIES] = chosen_studies(plan, storage)
    if plan.settings.portfolio:
        from finesweep.sweep.study.portfolio.first_trials import first_trials  # loads torch

        fixed[PORTFOLIO] = asdict(first_trials(plan))
    return {**fixed, DEFINITION: definition(plan)}


def study_exists(plan: SweepPlan) -> bool:
    """Whether an earlier command created the plan's study and so checked its search space."""
    storage = _existing_storage(plan.base.config.storage.url)
    study = None if storage is None else _study_in(storage, plan.study_name)
    return study is not None and DEFINITION in study.user_attrs


def finalist_in(attributes: Mapping[str, Any]) -> Finalist | None:
    """The last evaluated winner in a study's user attributes; None before the first."""
    stored = attributes.get(FINALIST)
    return Finalist(**stored) if stored else None


def baseline_in(attributes: Mapping[str, Any]) -> BaselineResult | None:
    """The last baseline result in a study's user attributes; None without one."""
    stored = attributes.get(BASELINE)
    return BaselineResult(**stored) if stored else None


def data_notes_of(study: Study) -> list[str]:
    """Sentences on dropped rows, derived splits and cut texts, each once."""
    return data_notes_in(study.user_attrs)


def data_notes_in(attributes: Mapping[str, Any]) -> list[str]:
    """The same, from a study's user attributes."""
    datasets = (attributes[name] for name in sorted(attributes) if name.startswith(DATA_NOTES))
    return list(dict.fromkeys(note for notes in datasets for note in notes))


def comparisons_in(attributes: Mapping[str, Any]) -> list[ModelComparison]:
    """The model comparisons in a study's user attributes."""
    return [
        ModelComparison(
            **{**each, "first": Contender(**each["first"]), "second": Contender(**each["second"])}
        )
        for each in attributes.get(COMPARISONS, [])
    ]


def find_study(name: str, url: str) -> Study:
    """An existing study; ConfigError suggests the nearest name in the storage."""
    storage = _existing_storage(url)
    study = None if storage is None else _study_in(storage, name)
    if study is None:
        names = [] if storage is None else _names_in(storage)
        hint = nearest(name, names) if names else "none has been run here yet"
        raise ConfigError(Problem("sweep", f"no study {name!r} in {hidden_password(url)}; {hint}"))
    if not {SWEEP, DEFINITION, N_TRIALS} <= set(study.user_attrs):
        where = hidden_password(url)
        message = (
            f"study {name!r} in {where} was not made by a sweep, or the sweep ended before it began"
        )
        raise ConfigError(Problem("sweep", message))
    return study


def study_names(url: str) -> list[str]:
    """The storage's sweeps: no confirmations, and no studies of other programs."""
    storage = _existing_storage(url)
    return [] if storage is None else _names_in(storage)


def _existing_storage(url: str) -> optuna.storages.BaseStorage | None:
    """None where a SQLite file would have to be made: a lookup must not create an empty one."""
    database = sqlite_file(url)
    return None if database is not None and not database.exists() else open_storage(url)


def _names_in(storage: optuna.storages.BaseStorage) -> list[str]:
    return [
        each.study_name
        for each in storage.get_all_studies()
        if DEFINITION in each.user_attrs and not is_confirmation(each.study_name)
    ]


def _study_in(storage: optuna.storages.BaseStorage, name: str) -> Study | None:
    """The study of this name, if there is one and it is not a confirmation's."""
    if is_confirmation(name):
        return None
    try:
        return load_by_first(name, storage)
    except KeyError:
        return None
