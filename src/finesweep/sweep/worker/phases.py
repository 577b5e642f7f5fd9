"""A worker's phases: the search's slots, then the slots that confirm its best configurations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState, create_trial

from finesweep.config import ConfirmConfig, SweepPlan
from finesweep.locks import exclusive
from finesweep.sweep.parent_run import show_best
from finesweep.sweep.selection.combination import HEAD_SEED
from finesweep.sweep.selection.confirmation import (
    SEED,
    add_seed_slots,
    candidates,
    kept_seeds,
    make_confirmation,
    slots_to_skip,
)
from finesweep.sweep.selection.latencies import settle_latencies
from finesweep.sweep.selection.state import read_confirmation, seed_runs_of
from finesweep.sweep.study.keys import N_TRIALS, SKIPPED, SLOT, VALUES
from finesweep.sweep.study.objectives.front import contenders, kept
from finesweep.sweep.study.optuna_private import engine_of, running_trial
from finesweep.sweep.study.portfolio import portfolio_in
from finesweep.sweep.study.ranking import direction_of
from finesweep.sweep.study.sampling.known_slots import SAMPLER, known_slots
from finesweep.sweep.study.sampling.past_studies import past_trials
from finesweep.sweep.study.sampling.samplers import sampler_for
from finesweep.sweep.study.search_space import suggest
from finesweep.sweep.study.weights import keep_weights
from finesweep.sweep.time_budget import claimable_slots
from finesweep.sweep.worker.failures import whole_sweeps
from finesweep.tracking import Delivery


@dataclass(frozen=True)
class TrialSpec:
    """Specification of the trial for one slot."""

    values: Mapping[str, Any]
    """Plain path → value."""
    seed: int
    name: str
    """Name of its run, before the model's name."""
    tags: Mapping[str, Any]
    """Tags of its run, in addition to those of every trial."""
    origin: str | None = None
    """Who chose its params: enqueued, portfolio or sampler; None outside the search."""


class Phase(Protocol):
    """One study's slots, and the rules particular to them."""

    kind: str
    """Tag `finesweep.kind` of its runs."""
    study: Study
    sweep: Study
    """The search's study, whose attributes say whether the sweep was stopped."""
    enqueued: Mapping[int, Mapping[str, Any]]
    """Slot → Optuna params of its trial, where they are fixed."""

    def n_slots(self) -> int:
        """Number of slots that may be claimed now; slots that no longer need to run have been
        pruned."""

    def start_trial(self, claimed: FrozenTrial) -> Trial:
        """The trial that runs in a claimed slot; WholeSweepError when the sampler fails."""

    def spec(self, trial: Trial) -> TrialSpec:
        """The specification of a started trial; WholeSweepError when the sampler fails."""

    def completed(self, delivery: Delivery) -> None:
        """Deletes weights that are no longer among the best, and updates the parent run."""


class Search:
    """The slots of the search: enqueued params, the portfolio's, then the sampler's or a grid's."""

    kind = "trial"

    def __init__(self, plan: SweepPlan, study: Study, *, is_attached: bool = False) -> None:
        """is_attached: whether the time of the latest sweep command binds this worker."""
        self.plan, self.study, self.sweep, self.is_attached = plan, study, study, is_attached
        self.past = past_trials(study)
        self.known = known_slots(plan, portfolio_in(study.user_attrs))
        self.first = [slot.values for slot in self.known]
        self.enqueued: Mapping[int, Mapping[str, Any]] = {
            index: slot.params for index, slot in enumerate(self.known)
        }

    def n_slots(self) -> int:
        return claimable_slots(self.study, self.plan, self.first, is_attached=self.is_attached)

    def start_trial(self, claimed: FrozenTrial) -> Trial:
        with whole_sweeps("sweep.sampler", self.plan.settings.sampler):
            self.study.sampler = sampler_for(self.plan, claimed.user_attrs[SLOT], self.past)
            return running_trial(self.study, claimed.number)

    def spec(self, trial: Trial) -> TrialSpec:
        slot = trial.user_attrs[SLOT]
        params = self.first[slot] if slot < len(self.first) else {}
        with whole_sweeps("sweep.sampler", self.plan.settings.sampler):
            values = suggest(trial, self.plan, params)
        return TrialSpec(
            values=values,
            seed=trial_seed(self.study, slot),
            name=str(trial.number),
            tags={},
            origin=self.known[slot].origin if slot < len(self.known) else SAMPLER,
        )

    def completed(self, delivery: Delivery) -> None:
        trials = self.study.get_trials(deepcopy=False)
        best = kept(
            trials,
            self.study.user_attrs,
            direction_of(self.study),
            top_k=self.plan.settings.keep_top_k,
        )
        root = self.plan.base.config.storage.checkpoints
        keep_weights(self.study.study_name, trials, best, root=root)
        delivery.call(lambda store: show_best(store, self.study), key="best")


class Confirmation:
    """The search's best configurations again, each with the same few fresh seeds."""

    kind = "confirmation"
    enqueued: Mapping[int, Mapping[str, Any]] = MappingProxyType({})

    def __init__(
        self,
        plan: SweepPlan,
        sweep: Study,
        config: ConfirmConfig,
        *,
        say: Callable[[str], None] = lambda message: None,
    ) -> None:
        """say gets a message before each latency that has to be measured first."""
        self.plan, self.sweep, self.config, self.say = plan, sweep, config, say
        with self._lock():
            self.study = make_confirmation(sweep)

    def n_slots(self) -> int:
        several = len(self.plan.objectives) > 1
        with self._lock():
            settle_latencies(self.plan, self.sweep, self.say)
            searched, attributes = self.sweep.get_trials(deepcopy=False), self.sweep.user_attrs
            may_win = contenders(searched, attributes, direction_of(self.sweep))
            chosen = candidates(may_win, self.config)
            add_seed_slots(self.study, chosen, n_seeds=self.config.seeds)
            state = read_confirmation(self.study)
            skipped = slots_to_skip(
                state,
                direction_of(self.study),
                n_seeds=self.config.seeds,
                is_race=not several,
            )
            for slot, why in skipped.items():
                own = {SLOT: slot, SKIPPED: why}
                self.study.add_trial(create_trial(state=TrialState.PRUNED, user_attrs=own))
        return int(self.study.user_attrs[N_TRIALS])

    def start_trial(self, claimed: FrozenTrial) -> Trial:
        return running_trial(self.study, claimed.number)

    def spec(self, trial: Trial) -> TrialSpec:
        number, seed = seed_runs_of(self.study.user_attrs)[trial.user_attrs[SLOT]]
        values = self.sweep.get_trials(deepcopy=False)[number].user_attrs[VALUES]
        training_seed = trial_seed(self.study, f"seed {seed}")
        # Weights can be averaged only if they were trained from the same starting weights.
        is_fixed = self.plan.base.config.training.head_seed is not None
        has_own = self.config.soup and not is_fixed
        shared = {HEAD_SEED: trial_seed(self.study, "head")} if has_own else {}
        return TrialSpec(
            values={**shared, **values, SEED: training_seed},
            seed=training_seed,
            name=f"{number} seed {seed + 1}",
            tags={"finesweep.confirms": number},
        )

    def completed(self, delivery: Delivery) -> None:
        state = read_confirmation(self.study)
        seeds = kept_seeds(state, self.config, direction_of(self.study))
        root = self.plan.base.config.storage.checkpoints
        keep_weights(state.name, state.trials, seeds, root=root)

    def _lock(self) -> AbstractContextManager[bool]:
        return exclusive(engine_of(self.sweep), f"{self.sweep.study_name}.confirmation")


def trial_seed(study: Study, slot: int | str) -> int:
    """A seed in [0, 2**31) from study and slot, so that every attempt at a slot is the same
    trial."""
    digest = hashlib.sha256(f"{study.study_name}/{slot}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
