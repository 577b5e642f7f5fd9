"""A study's definition: what makes two sweeps the same, and the check that they do not mix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from finesweep.config import SweepPlan
from finesweep.config.field_paths import is_default
from finesweep.config.schema import MEDIAN_PRUNER, TPE_SAMPLER, TRANSFER_SAMPLER
from finesweep.errors import ConfigError, Problem, differences
from finesweep.sweep.study.sampling.node import seeded_sampler

OLDER_SAMPLERS: tuple[dict[str, Any], ...] = (
    {"_target_": TPE_SAMPLER},
    {"_target_": TPE_SAMPLER, "multivariate": True, "group": True},
)
"""Defaults of sweep.sampler before the current one, without the arguments that a sweep sets."""
OLDER_PRUNERS: tuple[dict[str, Any], ...] = (
    {"_target_": MEDIAN_PRUNER},
    {"_target_": MEDIAN_PRUNER, "n_startup_trials": 4},
)
"""Defaults of sweep.pruner before the current one."""
OLDER_VALUES: dict[str, Any] = {"sweep.portfolio": 0}
"""What fields newer than a study had in it, where that is not their default now."""


def definition(plan: SweepPlan) -> dict[str, Any]:
    """Dotted path → value of everything that makes two sweeps the same.

    Not sweep.prune_audit: it decides which trials run to their end, like a budget, and no trial's
    values; and whatever its share was, the audited trials are a random sample of the stopped.
    """
    plan = replace(plan, teachers={})  # a study is what was given, whatever version that was
    settings = plan.settings
    several = plan.objectives if len(plan.objectives) > 1 else ()
    own = (
        "tracking.", "storage.", "launcher.", "registry.", "registry", "workers", "launcher",
        "adapt.", "adapt", "evaluate_test",
    )  # fmt: skip
    fixed = {k: v for k, v in plan.base.flat().items() if not k.startswith(own)}
    searched = {item.name: str(item.dimension) for item in plan.searched}
    conditional = {f"{item.path}|{item.condition}": item.value for item in plan.conditional}
    searched_paths = {item.path for item in plan.searched}
    defined = {
        "sweep.metric": settings.metric,
        "sweep.direction": plan.direction,
        **({"sweep.objectives": [each.metric for each in several]} if several else {}),
        "sweep.sampler": seeded_sampler(plan),
        "sweep.pruner": settings.pruner,
        "sweep.learn_from": settings.learn_from,
        "sweep.enqueue": [dict(params) for params in plan.enqueued],
        "sweep.portfolio": settings.portfolio,
        **{k: v for k, v in fixed.items() if k not in searched},
        **{k: v for k, v in _contents(plan).items() if k.split("|")[0] not in searched_paths},
        **conditional,
        **searched,
    }
    # As the study returns it: JSON turns tuples into lists.
    return dict(json.loads(json.dumps(defined)))


def with_older_defaults(plan: SweepPlan, recorded: Mapping[str, Any]) -> SweepPlan:
    """The plan with the sampler, pruner and portfolio of a study created with older defaults.

    recorded is the study's definition.
    """
    older: dict[str, Any] = {}
    sampler, now = recorded.get("sweep.sampler"), seeded_sampler(plan)
    own = {name: value for name, value in now.items() if name != "_target_"}
    if now["_target_"] == TRANSFER_SAMPLER and sampler in [each | own for each in OLDER_SAMPLERS]:
        older["sampler"] = sampler
    portfolio, pruner = plan.settings.portfolio, recorded.get("sweep.pruner")
    if pruner in OLDER_PRUNERS and is_default("sweep.pruner", plan.settings.pruner):
        older["pruner"] = pruner
    if "sweep.portfolio" not in recorded and is_default("sweep.portfolio", portfolio):
        older["portfolio"] = OLDER_VALUES["sweep.portfolio"]
    return replace(plan, settings=replace(plan.settings, **older))


def check_same_definition(
    plan: SweepPlan, recorded: Mapping[str, Any], current: Mapping[str, Any]
) -> None:
    """Raises ConfigError with every difference between the study's definition and the current one.

    A field missing from the study's definition is newer than the study and had its default value,
    or the one in OLDER_VALUES: otherwise the default of a new field keeps the old behaviour.
    """
    problems = [
        problem
        for problem in differences(recorded, current, when="when the study was made")
        if problem.path in recorded or not _is_older_value(problem.path, current[problem.path])
    ]
    if problems:
        other = f"finesweep sweep {plan.name} sweep.study={plan.study_name}-2 …"
        hint = (
            f"study {plan.study_name!r} was made for another sweep; start a new one with: {other}"
        )
        raise ConfigError(*problems, Problem("sweep.study", hint))


def _is_older_value(path: str, value: Any) -> bool:
    if path in OLDER_VALUES:
        return bool(OLDER_VALUES[path] == value)
    return is_default(path, value)


def _contents(plan: SweepPlan) -> dict[str, Any]:
    """`PATH|group=choice` → value for every field that a searched group's choices set.

    A model file may change under its name; a study must not mix trials of both versions.
    """
    return {
        f"{path}|{group.path}={choice}": value
        for group in plan.searched
        if group.path in plan.base.choices
        for choice in group.dimension.ends()
        for path, value in plan.compose_trial({group.path: choice}).flat().items()
        if path.startswith(f"{group.path}.")
    }
