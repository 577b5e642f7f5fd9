"""Checks across fields: settings that must agree with each other, and with MLflow's rules."""

from __future__ import annotations

from finesweep.addresses import has_host, is_web_address
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
    """Problems of a composed config, for any command."""
    complaint = experiment_complaint(config.tracking.experiment)
    return [*_complaints(("tracking.experiment", complaint)), *_minimum_problems(config.registry)]


def sweep_problems(config: Config) -> list[Problem]:
    """Problems of a sweep's metric, direction and names; its fixed values are in config."""
    assert config.sweep is not None
    sweep = config.sweep
    return [
        *_metric_problems(sweep),
        *_budget_problems(sweep),
        *_learning_problems(sweep),
        *_confirm_problems(sweep),
        *_end_problems(sweep),
        *_register_problems(sweep),
    ]


def data_problems(sweep: SweepConfig, *, multi_label: bool, n_truths: int) -> list[Problem]:
    """Problems of a sweep's metric that depend on the data.

    n_truths is the number of distinct labels, or label sets, in validation.
    """
    if n_truths < 2 and sweep.metric in (f"validation/{name}" for name in RANKING_METRICS):
        message = f"{sweep.metric!r} is undefined: all validation rows have the same label"
        return [Problem("sweep.metric", message)]
    if sweep.metric in metric_names("validation", multi_label=multi_label):
        return []
    message = f"{sweep.metric!r} needs several labels per text, and this dataset has one"
    hint = "give several with dataset.label_columns, or with lists in dataset.label_column"
    return [Problem("sweep.metric", f"{message}; {hint}")]


def _budget_problems(sweep: SweepConfig) -> list[Problem]:
    if sweep.n_trials is not None or sweep.timeout_minutes is not None:
        return []
    message = "null given; must be a number of trials, or sweep.timeout_minutes must be given too"
    return [Problem("sweep.n_trials", message)]


def _metric_problems(sweep: SweepConfig) -> list[Problem]:
    metric, direction = sweep.metric, sweep.direction
    if metric not in metric_names("validation", multi_label=True):
        return [Problem("sweep.metric", _unknown_metric(metric))]
    better = better_direction(metric)
    if direction in (None, better):
        return []
    message = f"{direction!r} given, but {metric} is {better}d; leave sweep.direction out"
    return [Problem("sweep.direction", message)]


def _learning_problems(sweep: SweepConfig) -> list[Problem]:
    given = sweep.learn_from
    names = isinstance(given, list) and all(isinstance(each, str) for each in given)
    if given in (None, "auto") or names:
        return []
    message = f"{given!r} given; takes auto, a list of studies, or null"
    return [Problem("sweep.learn_from", message)]


def _confirm_problems(sweep: SweepConfig) -> list[Problem]:
    confirm = sweep.confirm
    if confirm is None or not confirm.combines or confirm.seeds >= 2:
        return []
    ways = [name for name in ("soup", "ensemble") if getattr(confirm, name)]
    needs = f"sweep.confirm.{' and '.join(ways)} combine seeds, so it must be at least 2"
    return [Problem("sweep.confirm.seeds", f"{confirm.seeds} given; {needs}")]


def _end_problems(sweep: SweepConfig) -> list[Problem]:
    """Problems of addresses, which are not shown: they may hold secrets."""
    message = "is an address without a valid host and port, such as https://example.org/hook"
    return [
        Problem(f"sweep.on_end.{place}", message)
        for place, each in enumerate(sweep.on_end)
        if is_web_address(each) and not has_host(each)
    ]


def _unknown_metric(metric: str) -> str:
    known = metric_names("validation", multi_label=True)
    split, _, name = metric.rpartition("/")
    if split == "test" and f"validation/{name}" in known:
        return f"{metric!r} given; only the winner uses the test split; use 'validation/{name}'"
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
            message = "is better when lower: a minimum would let only bad models through"
            problems.append(Problem(path, message))
    return problems


def _complaints(*checks: tuple[str, str | None]) -> list[Problem]:
    return [Problem(path, complaint) for path, complaint in checks if complaint]
