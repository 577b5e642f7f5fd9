"""The objectives of a sweep: what they are, and whether they agree with its other settings."""

from __future__ import annotations

from math import isfinite
from typing import Any

from finesweep.config.schema import RegisterConfig, SweepConfig
from finesweep.errors import Problem, nearest
from finesweep.records import Objective
from finesweep.stats.metric_names import COSTS, better_direction, metric_names

BEST_FIRST, BEST_FIRST_WITHIN, KNEE = "best_first", "best_first_within", "knee"
PICKS = (BEST_FIRST, BEST_FIRST_WITHIN, KNEE)
"""Rules that pick one model from a Pareto front."""


def objectives_of(sweep: SweepConfig) -> tuple[Objective, ...]:
    """The sweep's objectives, the one that prunes first; of a checked config."""
    names = [_name(given) for given in sweep.objectives] or [sweep.metric]
    return tuple(Objective(name, better_direction(name)) for name in names)


def objective_problems(sweep: SweepConfig) -> list[Problem]:
    """Problems of the objectives, each for itself, with the metric, and with the winner's rule."""
    if not sweep.objectives:
        return _pick_problems(sweep.register, None)
    problems = [
        problem
        for index, given in enumerate(sweep.objectives)
        if (problem := _objective_problem(f"sweep.objectives.{index}", given)) is not None
    ]
    if problems:
        return problems
    names = [_name(given) for given in sweep.objectives]
    if len(names) == 1:
        message = f"one given, {names[0]}; give two or more, or only sweep.metric={names[0]}"
        problems.append(Problem("sweep.objectives", message))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem("sweep.objectives", f"{', '.join(twice)} is given twice"))
    if names[0] != sweep.metric:
        problems.append(_first_problem(names, sweep.metric))
    return [*problems, *_pick_problems(sweep.register, names[0])]


def _first_problem(names: list[str], metric: str) -> Problem:
    fix = f"sweep.metric={names[0]}"
    if names[0] in COSTS:
        fix = f"{metric} as the first: {names[0]} does not change while a trial trains"
    message = (
        f"the first, {names[0]}, decides pruning and the kept checkpoint, but sweep.metric is"
        f" {metric}; write {fix}"
    )
    return Problem("sweep.objectives", message)


def _objective_problem(path: str, given: Any) -> Problem | None:
    if isinstance(given, dict) and len(given) != 1:
        return Problem(path, f"{given!r} given; takes METRIC or {{METRIC: minimize}}")
    name = _name(given)
    known = [*metric_names("validation", multi_label=True), *COSTS]
    if name not in known:
        split, _, last = name.rpartition("/")
        if split == "test" and f"validation/{last}" in known:
            hint = f"only the winner uses the test split; use 'validation/{last}'"
        elif split == "" and f"validation/{last}" in known:
            hint = f"did you mean 'validation/{last}'?"
        else:
            hint = nearest(name, known)
        return Problem(path, f"{name!r} is not measured for each trial; {hint}")
    stated, better = _direction(given), better_direction(name)
    if stated in (None, better):
        return None
    return Problem(path, f"{stated!r} given, but {name} is {better}d; leave the direction out")


def _pick_problems(register: RegisterConfig | None, first: str | None) -> list[Problem]:
    """Problems of the rule that picks the winner; first is the first of several objectives."""
    if register is None or register.pick == BEST_FIRST:
        return []
    path, pick = "sweep.register.pick", register.pick
    if first is None:
        message = f"{pick!r} given; with one objective the best wins: give sweep.objectives too"
        return [Problem(path, message)]
    if pick == KNEE:
        return []
    if not isinstance(pick, dict) or list(pick) != [BEST_FIRST_WITHIN]:
        example = f"{{{BEST_FIRST_WITHIN}: {{{first}: 0.01}}}}"
        return [Problem(path, f"{pick!r} given; takes {BEST_FIRST}, {example} or {KNEE}")]
    within = pick[BEST_FIRST_WITHIN]
    if not isinstance(within, dict) or list(within) != [first]:
        message = f"{within!r} given; takes {{{first}: DISTANCE}}, for the first objective alone"
        return [Problem(f"{path}.{BEST_FIRST_WITHIN}", message)]
    distance = within[first]
    is_number = isinstance(distance, int | float) and not isinstance(distance, bool)
    if is_number and isfinite(distance) and distance >= 0:
        return []
    message = f"{distance!r} given; takes a finite number, at least 0, in the unit of {first}"
    return [Problem(f"{path}.{BEST_FIRST_WITHIN}.{first}", message)]


def _name(given: Any) -> str:
    return str(next(iter(given))) if isinstance(given, dict) else str(given)


def _direction(given: Any) -> Any:
    return next(iter(given.values())) if isinstance(given, dict) else None
