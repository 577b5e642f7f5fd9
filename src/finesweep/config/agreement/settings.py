"""Settings that must agree with each other, and with MLflow's rules."""

from __future__ import annotations

from importlib.util import find_spec

from finesweep.addresses import has_host, is_web_address
from finesweep.config.agreement.objectives import objective_problems, objectives_of
from finesweep.config.names import (
    SCHEME,
    alias_complaint,
    experiment_complaint,
    model_complaint,
    uri_complaint,
)
from finesweep.config.schema import (
    EXHAUSTIVE_SAMPLERS,
    Config,
    ModelConfig,
    RegistryConfig,
    SweepConfig,
)
from finesweep.errors import Problem, nearest
from finesweep.stats.metric_names import (
    COSTS,
    RANKING_METRICS,
    THRESHOLD_METRICS,
    better_direction,
    metric_names,
)


def run_problems(config: Config) -> list[Problem]:
    """Problems of a composed config, for any command."""
    teacher = config.training.teacher
    # A folder is looked for when the teacher is read: it may be on another machine.
    is_uri = teacher is not None and SCHEME.match(teacher) is not None
    complaints = _complaints(
        ("tracking.experiment", experiment_complaint(config.tracking.experiment)),
        ("model.lora_rank", _lora_complaint(config.model)),
        ("training.teacher", uri_complaint(teacher) if teacher and is_uri else None),
    )
    return [*complaints, *_minimum_problems(config.registry), *_device_problems(config)]


def sweep_problems(config: Config) -> list[Problem]:
    """Problems of a sweep's metric, direction, objectives and names; its fixed values are in
    config."""
    assert config.sweep is not None
    sweep = config.sweep
    return [
        *(metric := _metric_problems(sweep)),
        *([] if metric else objective_problems(sweep)),
        *_budget_problems(sweep),
        *_learning_problems(sweep),
        *_register_problems(sweep),
        *_confirm_problems(sweep),
        *_end_problems(sweep),
    ]


def data_problems(sweep: SweepConfig, *, multi_label: bool, n_truths: int) -> list[Problem]:
    """Problems of a sweep's metric and other objectives that depend on the data.

    n_truths is the number of distinct labels, or label sets, in validation.
    """
    names = [each.metric for each in objectives_of(sweep) if each.metric not in COSTS]
    return [
        problem
        for index, name in enumerate(names)
        if (problem := _data_problem(name, index, multi_label, n_truths)) is not None
    ]


def _data_problem(metric: str, index: int, multi_label: bool, n_truths: int) -> Problem | None:
    path = f"sweep.objectives.{index}" if index else "sweep.metric"
    if n_truths < 2 and metric in (f"validation/{name}" for name in RANKING_METRICS):
        message = f"{metric!r} is undefined: all validation rows have the same label"
        return Problem(path, message)
    if metric in metric_names("validation", multi_label=multi_label):
        return None
    message = f"{metric!r} needs several labels per text, and this dataset has one"
    hint = "give several with dataset.label_columns, or with lists in dataset.label_column"
    return Problem(path, f"{message}; {hint}")


def _lora_complaint(model: ModelConfig) -> str | None:
    """Why a model cannot have adapters; None if it can, or has none."""
    if model.lora_rank is None:
        return None
    if model.freeze_layers == "all":
        hint = "give a number of layers in model.freeze_layers, or null here"
        return f"{model.lora_rank} given, but no layer is left to adapt: all are frozen; {hint}"
    if find_spec("peft") is None:
        return "needs a package that is not installed: pip install 'finesweep[peft]'"
    return None


def is_exhaustive(sweep: SweepConfig) -> bool:
    """Whether the sweep's sampler tries every point of its search space, which is its end."""
    module, _, name = str(sweep.sampler.get("_target_")).rpartition(".")
    return module.split(".")[0] == "optuna" and name in EXHAUSTIVE_SAMPLERS


def _budget_problems(sweep: SweepConfig) -> list[Problem]:
    if sweep.n_trials is not None or sweep.timeout_minutes is not None or is_exhaustive(sweep):
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


def _device_problems(config: Config) -> list[Problem]:
    """A worker on a cluster has its devices on one machine only if it was given as many there; only
    one device learns from a teacher."""
    launcher = config.launcher
    n_devices, n_gpus = launcher.devices_per_trial, launcher.gpus_per_worker
    problems = []
    if launcher.name != "local" and n_devices > 1 and 0 < n_gpus < n_devices:
        problems.append(
            f"{n_devices} given, but each worker has launcher.gpus_per_worker={n_gpus:g}; give each"
            f" as many: launcher.gpus_per_worker={n_devices}"
        )
    if n_devices > 1 and config.training.teacher is not None:
        problems.append(
            f"{n_devices} given, but a trial with training.teacher trains on one device; leave out"
            " one of the two"
        )
    return [Problem("launcher.devices_per_trial", message) for message in problems]


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
