"""Every private name of Optuna that finesweep uses, and why no public one does.

`tests/contract/test_private_names.py` names them all, so that a release that renames one fails
there and not in a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from optuna import Study, Trial
from optuna.distributions import BaseDistribution
from optuna.samplers import QMCSampler
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Engine

STORAGE_CALLS = (
    "create_new_study",
    "delete_study",
    "set_study_user_attr",
    "set_study_system_attr",
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_directions",
    "get_study_user_attrs",
    "get_study_system_attrs",
    "get_all_studies",
    "_create_new_trial",
    "_set_trial_param",
    "set_trial_state_values",
    "set_trial_intermediate_value",
    "set_trial_user_attr",
    "set_trial_system_attr",
    "get_trial_id_from_study_id_trial_number",
    "get_trial",
    "_get_trials",
    "_get_best_trial_id",
)
"""Methods that Optuna's cache calls on the RDBStorage behind it."""


class StudyView(Study):
    """A study that shows its trials differently, as Optuna's Hyperband does for its brackets.

    Samplers read trials by the private method, pruners and finesweep by the public one, which calls
    it.
    """

    def __init__(self, study: Study) -> None:
        super().__init__(
            study_name=study.study_name,
            storage=study._storage,
            sampler=study.sampler,
            pruner=study.pruner,
        )
        self.shown = study

    @property
    def directions(self) -> list[StudyDirection]:
        return self.shown.directions

    def show(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        """The trials as they are seen, from those of the study."""
        raise NotImplementedError

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        # All of them first: a trial may have another state here than in the study.
        shown = self.show(self.shown._get_trials(deepcopy, None, use_cache))
        return [trial for trial in shown if states is None or trial.state in states]


def storage_of(study: Study) -> BaseStorage:
    """The study's storage, for opening another study in it."""
    return study._storage


def engine_of(study: Study) -> Engine:
    """The study's SQLAlchemy engine: public on RDBStorage, but hidden by Optuna's cache."""
    engine: Engine = study._storage._backend.engine  # type: ignore[attr-defined]
    return engine


def storage_class(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> type[RDBStorage]:
    """RDBStorage with every call wrapped: Optuna has no hook for waiting through an outage."""
    calls = {name: wrap(getattr(RDBStorage, name)) for name in STORAGE_CALLS}
    return type("WrappedStorage", (RDBStorage,), calls)


def claim_trial(study: Study, number: int) -> bool:
    """Whether this worker set the waiting trial to RUNNING; False when another one was first.

    No public call does this: on an empty queue `Study.ask` creates a trial.
    UpdateFinishedTrialError when the trial has ended.
    """
    return study._storage.set_trial_state_values(_id(study, number), TrialState.RUNNING)


def running_trial(study: Study, number: int) -> Trial:
    """The trial as an objective receives it; constructing it calls the sampler."""
    return Trial(study, _id(study, number))


def trial_now(study: Study, number: int) -> FrozenTrial:
    """The trial's current state in the database, as the study shows it, without reading the
    others."""
    trial = study._storage.get_trial(_id(study, number))
    return study.show([trial])[0] if isinstance(study, StudyView) else trial


def fail_trial(study: Study, number: int, attributes: Mapping[str, Any]) -> None:
    """Fails a trial, possibly another worker's, with user attributes that give the reason.

    `Trial.set_user_attr` would call the sampler first. UpdateFinishedTrialError when the trial has
    ended.
    """
    trial_id, storage = _id(study, number), study._storage
    for name, value in attributes.items():
        storage.set_trial_user_attr(trial_id, name, value)
    storage.set_trial_state_values(trial_id, TrialState.FAIL)


def drop_cached_trials(study: Study) -> None:
    """Makes the next read of the study's trials go to the database, as `Study.ask` does."""
    while isinstance(study, StudyView):
        study = study.shown
    study._thread_local.cached_all_trials = None


def draw_point(sampler: QMCSampler, space: dict[str, BaseDistribution], index: int) -> None:
    """Makes the sampler draw this point of its sequence over this space.

    By itself it takes the space of the first finished trial, which changes while trials end in
    another order and have conditions, and counts its points in the study, where two workers may
    read the same count.
    """
    sampler.infer_relative_search_space = lambda study, trial: space  # type: ignore[method-assign]
    sampler._find_sample_id = lambda study, search_space: index  # type: ignore[method-assign]


def contains(distribution: BaseDistribution, value: Any) -> bool:
    """Whether the distribution contains the value."""
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except (ValueError, TypeError):
        return False


def _id(study: Study, number: int) -> int:
    return study._storage.get_trial_id_from_study_id_trial_number(study._study_id, number)
