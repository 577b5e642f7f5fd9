"""Tries the winner's seeds combined on validation, records what is best, and frees the weights that
are no longer needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from optuna import Study
from optuna.trial import FrozenTrial
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.config import SweepPlan
from finesweep.dataset import load_dataset
from finesweep.errors import FinesweepError
from finesweep.model import Ensemble, averaged, load_trained
from finesweep.records import Predictions
from finesweep.runs.preparation import tokens_of
from finesweep.stats.predictions import mean_predictions
from finesweep.sweep.selection.combination import (
    BEST_SEED,
    ENSEMBLE,
    HEAD_SEED,
    Combination,
    Members,
    choose,
    combination_of,
    numbers,
    seeds_of,
    ways_of,
)
from finesweep.sweep.selection.confirmation import Winner, best_seeds, winner_of
from finesweep.sweep.selection.state import ConfirmationState, SweepState, read_state
from finesweep.sweep.study.keys import COMBINATION, VALUES
from finesweep.sweep.study.search_space import objective_of
from finesweep.sweep.study.weights import keep_weights, weights_of
from finesweep.training import compute_metrics, predict


def combine_seeds(plan: SweepPlan, study: Study, state: SweepState) -> SweepState:
    """The sweep's state with the combination of the winner's seeds, where the plan asks for one.

    Done once for the same seeds; safe to repeat. The test split is not read.
    """
    config, winner = plan.confirm, winner_of(state, plan.confirm, plan.pick)
    confirmation = state.confirmation
    if config is None or not config.combines or confirmation is None:
        return state
    if winner is None or winner.row is None:
        return state
    found = combination_of(state, config, winner.trial)
    if found is None:
        seeds = seeds_of(confirmation, winner.trial, state)
        found = _combine(plan, winner, confirmation, seeds)
        study.set_user_attr(COMBINATION, asdict(found))
    _free_weights(plan, confirmation, state, found)
    return read_state(study)


def load_winner(
    plan: SweepPlan, winner: Winner
) -> tuple[PreTrainedModel | Ensemble, PreTrainedTokenizerBase]:
    """The winner's model from the saved weights: one trial's, or its seeds' combined."""
    if winner.combination is None:
        return load_trained(folder_of(plan, winner, winner.best))
    by_number = {trial.number: trial for trial in winner.study.trials}
    folders = [folder_of(plan, winner, by_number[each]) for each in winner.combination.members]
    models = (load_trained(folder)[0] for folder in folders)
    tokenizer = load_trained(folders[0])[1]
    if winner.combination.chosen == ENSEMBLE:
        return Ensemble(list(models)), tokenizer
    return averaged(models), tokenizer


def folder_of(plan: SweepPlan, winner: Winner, trial: FrozenTrial) -> Path:
    """The folder of a trial's weights; FinesweepError if they are gone."""
    root = plan.base.config.storage.checkpoints
    folder = weights_of(trial, winner.study.name, root=root)
    if not folder.is_dir():
        raise FinesweepError(f"the best trial's weights are gone: {folder} does not exist")
    return folder


def _combine(
    plan: SweepPlan, winner: Winner, confirmation: ConfirmationState, seeds: list[FrozenTrial]
) -> Combination:
    config = plan.confirm
    assert config is not None
    root = plan.base.config.storage.checkpoints
    folders = {trial.number: weights_of(trial, confirmation.name, root=root) for trial in seeds}
    there = [trial for trial in seeds if folders[trial.number].is_dir()]
    ways, best = ways_of(config), numbers([winner.best])
    plain = Combination(winner.trial, numbers(seeds), ways, BEST_SEED, best)
    alike = [trial for trial in there if _has_head_of(trial, winner.best, plan)]
    if winner.best not in alike:  # its weights are gone: told when they are needed
        alike = []
    omissions = list(_omissions(ways, seeds, there, alike))
    possible = ways
    if ENSEMBLE in ways and _pooling(plan, winner) is not None:
        possible = tuple(way for way in ways if way != ENSEMBLE)
        omissions.append("MLflow would run an ensemble without model.pooling")
    if winner.best not in there or len(there) < 2 or not possible:
        return replace(plain, omissions=omissions)
    others = [trial for trial in there if trial not in alike and trial != winner.best]
    first = numbers(alike) or best
    value = _Values(plan, winner, folders)
    tried, chosen = choose(first, numbers(others), possible, objective_of(plan), value)
    values = {way: own for way, (own, _) in tried.items()}
    members = tried[chosen][1]
    return replace(plain, chosen=chosen, members=members, values=values, omissions=omissions)


def _pooling(plan: SweepPlan, winner: Winner) -> str | None:
    return plan.compose_trial(winner.best.user_attrs[VALUES]).config.model.pooling


def _has_head_of(trial: FrozenTrial, best: FrozenTrial, plan: SweepPlan) -> bool:
    """Whether it started from the same weights as best, whose head alone depends on a seed."""
    fixed = plan.base.config.training.head_seed
    own, other = (each.user_attrs[VALUES].get(HEAD_SEED, fixed) for each in (trial, best))
    return trial.number == best.number or (own is not None and own == other)


def _omissions(
    ways: tuple[str, ...],
    seeds: list[FrozenTrial],
    there: list[FrozenTrial],
    alike: list[FrozenTrial],
) -> Iterator[str]:
    if len(seeds) < 2:
        yield f"only {len(seeds)} of its seeds is complete"
        return
    if n_gone := len(seeds) - len(there):
        yield f"the weights of {n_gone} of its {len(seeds)} seeds were not kept"
    if "soup" in ways and 0 < len(alike) < len(there):
        n = len(there) - len(alike)
        yield f"{n} of its seeds started from another head, and are not averaged"


class _Values:
    """The sweep's metric on validation of seeds combined in some way; each is evaluated once."""

    def __init__(self, plan: SweepPlan, winner: Winner, folders: Mapping[int, Path]) -> None:
        composed = plan.compose_trial(winner.best.user_attrs[VALUES])
        self.metric, self.config, self.folders = plan.settings.metric, composed.config, folders
        _, tokenizer = load_trained(folders[winner.best.number])
        self.tokens = tokens_of(load_dataset(self.config.dataset), tokenizer, self.config)
        self.known: dict[frozenset[int], Predictions] = {}
        """Averaged seeds → predictions."""

    def __call__(self, way: str, members: Members) -> float:
        if way == ENSEMBLE:
            predictions = mean_predictions([self._averaged((each,)) for each in members])
        else:
            predictions = self._averaged(members)
        return compute_metrics(predictions, "validation")[self.metric]

    def _averaged(self, members: Members) -> Predictions:
        key = frozenset(members)
        if key not in self.known:
            model = averaged(load_trained(self.folders[each])[0] for each in members)
            split = self.tokens.validation
            self.known[key] = predict(model, split, self.tokens, self.config.training)
        return self.known[key]


def _free_weights(
    plan: SweepPlan,
    confirmation: ConfirmationState,
    state: SweepState,
    combination: Combination,
) -> None:
    """Deletes the weights of seeds that are neither combined nor the best of a configuration."""
    needed = set(combination.members) | set(
        numbers(best_seeds(confirmation, state.direction).values())
    )
    kept = [trial for trial in confirmation.trials if trial.number in needed]
    root = plan.base.config.storage.checkpoints
    keep_weights(confirmation.name, confirmation.trials, kept, root=root)
