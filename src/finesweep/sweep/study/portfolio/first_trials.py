"""The trials that a sweep takes from the portfolios of its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, product, zip_longest
from typing import Any

from finesweep.config import Dimension, Fixed, Searched, SweepPlan
from finesweep.config.portfolios import Portfolio, portfolio_for
from finesweep.model.encoder import encoder_of
from finesweep.sweep.study.portfolio.fit import fitted
from finesweep.sweep.study.sampling.node import starts_from_table
from finesweep.sweep.study.search_space import in_force, searched_groups
from finesweep.wording import counted

MODEL = "model"
CHECKPOINT = ("model.name_or_path", "model.revision", "model.distil")
"""Fields that decide which encoder a trial has, besides the group `model`."""


@dataclass(frozen=True)
class FirstTrials:
    """Params by plain path, in the order in which they are tried, and a note for the user."""

    params: tuple[dict[str, Any], ...]
    note: str


def first_trials(plan: SweepPlan) -> FirstTrials:
    """At most `sweep.portfolio` trials, none of which is enqueued already.

    The models take turns, so that each starts with its best setting: pruning is per model, and the
    best settings of one model would leave the others to chance. A sampler that starts from the
    trials of its table is not told settings chosen from them: its own first trial is better.
    """
    if {item.path for item in plan.searched} & set(CHECKPOINT):
        return FirstTrials((), "portfolio: none, because the checkpoint itself is searched")
    models = _models(plan)
    by_model = [
        _trials(plan, name, portfolio)
        for name, (portfolio, _) in models.items()
        if portfolio is not None and not _is_known(plan, portfolio)
    ]
    turns = [params for params in chain(*zip_longest(*by_model)) if params is not None]
    new = [p for i, p in enumerate(turns) if p not in plan.enqueued and p not in turns[:i]]
    params = tuple(new[: plan.settings.portfolio])
    return FirstTrials(params, _note(plan, params, models))


def _is_known(plan: SweepPlan, portfolio: Portfolio) -> bool:
    """Whether the sampler itself starts from the trials that the portfolio was chosen from."""
    return portfolio.is_in_table and starts_from_table(plan)


def _models(plan: SweepPlan) -> dict[str, tuple[Portfolio | None, str]]:
    """Choice of the group model → its portfolio, if there is one, and what is known of it."""
    searched = next((g.dimension.ends() for g in searched_groups(plan) if g.path == MODEL), None)
    models = {}
    for name in searched or (plan.base.choices.get(MODEL, MODEL),):
        choice = {MODEL: name} if searched else {}
        own = {e.path: e.value for e in in_force(plan, choice) if isinstance(e, Fixed)}
        config = plan.compose_trial(own | choice).config.model
        encoder = encoder_of(config)
        portfolio = None if encoder is None else portfolio_for(encoder)
        models[str(name)] = portfolio, "unknown encoder" if encoder is None else str(encoder)
    return models


def _trials(plan: SweepPlan, name: str, portfolio: Portfolio) -> list[dict[str, Any]]:
    choice = {MODEL: name} if MODEL in {group.path for group in searched_groups(plan)} else {}
    space = _space(plan, choice)
    settings = (
        fitted(setting, space, n_layers=portfolio.encoder.n_layers)
        for setting in portfolio.settings
    )
    return [choice | setting for setting in settings if setting]


def _space(plan: SweepPlan, choice: Mapping[str, Any]) -> dict[str, Dimension]:
    """Path → dimension of what a trial of this model searches, whatever the other groups' choices.

    A field with two dimensions, or one under some choices only, is left to the sampler.
    """
    free = [group for group in searched_groups(plan) if group.path not in choice]
    spaces = []
    for values in product(*(group.dimension.ends() for group in free)):
        choices = {g.path: v for g, v in zip(free, values, strict=True)} | dict(choice)
        entries = [item for item in in_force(plan, choices) if isinstance(item, Searched)]
        spaces.append({item.path: item.dimension for item in entries})
    first, *others = spaces
    return {path: d for path, d in first.items() if all(s.get(path) == d for s in others)}


def _note(
    plan: SweepPlan,
    params: tuple[dict[str, Any], ...],
    models: Mapping[str, tuple[Portfolio | None, str]],
) -> str:
    without = [f"{name} ({what})" for name, (portfolio, what) in models.items() if not portfolio]
    if params:
        settings = counted(len(params), "known-good setting")
        only = f"; there is none for {', '.join(without)}" if without else ""
        return f"portfolio: {settings} tried first{only}"
    if all(portfolio and _is_known(plan, portfolio) for portfolio, _ in models.values()):
        return "portfolio: none, because the sampler starts from the trials that it was chosen from"
    if without:
        return f"portfolio: no known-good settings for {', '.join(without)}"
    return "portfolio: no known-good setting is new and lies in the search space"
