"""Settings that must agree, held against each other and against what MLflow takes."""

from __future__ import annotations

from finesweep.config.names import alias_complaint, experiment_complaint, model_complaint
from finesweep.config.schema import Config, RegistryConfig, SweepConfig
from finesweep.errors import Problem, nearest
from finesweep.stats.metric_names import (
    RANKING_METRICS,
    THRESHOLD_METRICS,
    better_direction,
    metric_names,
)


def run_problems(config: Config) -> list[Problem]:
    """What is wrong with a config that any command composes."""
    complaint = experiment_complaint(config.tracking.experiment)
    return [*_complaints(("tracking.experiment", complaint)), *_minimum_problems(config.registry)]


def sweep_problems(config: Config) -> list[Problem]:
    """What is wrong with a sweep, whose fixed values are all in place."""
    assert config.sweep is not None
    return [*_metric_problems(config.sweep), *_register_problems(config.sweep)]


def data_problems(sweep: SweepConfig, *, multi_label: bool, n_truths: int) -> list[Problem]:
    """What is wrong with a sweep whose data have been read: whether a text may have several labels,
    and how many different labels, or sets of them, validation has, is not known before."""
    if n_truths < 2 and sweep.metric in (f"validation/{name}" for name in RANKING_METRICS):
        told = f"{sweep.metric!r} is not measured where all rows of validation have one label"
        return [Problem("sweep.metric", f"{told}, as here")]
    if sweep.metric in metric_names("validation", multi_label=multi_label):
        return []
    told = f"{sweep.metric!r} is not measured where a text has one label, as here"
    ways = "dataset.label_columns, or lists in dataset.label_column, give it several"
    return [Problem("sweep.metric", f"{told}; {ways}")]


def _metric_problems(sweep: SweepConfig) -> list[Problem]:
    metric, direction = sweep.metric, sweep.direction
    if metric not in metric_names("validation", multi_label=True):
        return [Problem("sweep.metric", _unknown_metric(metric))]
    better = better_direction(metric)
    if direction in (None, better):
        return []
    message = f"{direction!r} given, but {metric} is to be {better}d; leave it out, it follows"
    return [Problem("sweep.direction", message)]


def _unknown_metric(metric: str) -> str:
    known = metric_names("validation", multi_label=True)
    split, _, name = metric.rpartition("/")
    if split == "test" and f"validation/{name}" in known:
        return f"{metric!r} given; the test split is seen by the winner alone: validation/{name}"
    if split in ("validation", "") and f"validation/{name}" in known:
        return f"{metric!r} is not measured; did you mean 'validation/{name}'?"
    return f"{metric!r} is not measured; {nearest(metric, known)}"


def _register_problems(sweep: SweepConfig) -> list[Problem]:
    if sweep.register is None:
        return []
    return _complaints(
        ("sweep.register.name", model_complaint(sweep.register.name)),
        ("sweep.register.alias", alias_complaint(sweep.register.alias)),
    )


def _minimum_problems(registry: RegistryConfig) -> list[Problem]:
    known = [
        *metric_names("test", multi_label=True),
        *(f"test/{name}" for name in THRESHOLD_METRICS),
    ]
    problems = []
    for name in registry.minimum:
        path = f"registry.minimum.{name}"
        if name not in known:
            near = (
                f"did you mean 'test/{name}'?" if f"test/{name}" in known else nearest(name, known)
            )
            problems.append(Problem(path, f"is not measured; {near}"))
        elif better_direction(name) == "minimize":
            message = "is better when it is lower: a least value would let only bad models through"
            problems.append(Problem(path, message))
    return problems


def _complaints(*found: tuple[str, str | None]) -> list[Problem]:
    return [Problem(path, complaint) for path, complaint in found if complaint]
