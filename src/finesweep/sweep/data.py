"""Checks the datasets and teachers that a sweep's trials will read, before any trial starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finesweep.config import DatasetConfig, SweepPlan, borrowed_name, data_problems
from finesweep.dataset import load_dataset, prepare
from finesweep.errors import ConfigError, Problem
from finesweep.sweep.study.search_space import TrialInputs


@dataclass(frozen=True)
class _Labels:
    """The labels of a dataset."""

    names: Sequence[str]
    multi_label: bool
    """Whether texts may have several."""
    in_validation: set[int]
    """Labels, or label sets, of the validation rows."""


def check_data(plan: SweepPlan, inputs: Sequence[TrialInputs]) -> None:
    """Raises ConfigError when a dataset cannot be read at the configured sizes, does not have the
    sweep's metric, or would be registered under another dataset's model name; and when a teacher
    cannot be read, or was trained on other labels or texts."""
    problems = borrowed_name(plan)
    read: list[tuple[DatasetConfig, _Labels]] = []
    for config in _datasets(inputs):
        try:
            labels = _read(config)
            n_truths = len(labels.in_validation)
            new = data_problems(plan.settings, multi_label=labels.multi_label, n_truths=n_truths)
            read.append((config, labels))
        except ConfigError as error:
            new = list(error.problems)
        problems += [problem for problem in new if problem not in problems]
    for config, labels in read:
        teachers = [each.teacher for each in inputs if each.dataset == config and each.teacher]
        for teacher in teachers:
            new = _teacher_problems(teacher, config, labels, plan.base.config.tracking.uri)
            problems += [problem for problem in new if problem not in problems]
    if problems:
        raise ConfigError(*problems)


def _datasets(inputs: Sequence[TrialInputs]) -> list[DatasetConfig]:
    datasets: list[DatasetConfig] = []
    for each in inputs:
        if each.dataset not in datasets:
            datasets.append(each.dataset)
    return datasets


def _read(config: DatasetConfig) -> _Labels:
    if config.checks == "strict":
        dataset = load_dataset(config)
        truths = set(dataset.validation["label"])
        return _Labels(dataset.label_names, dataset.multi_label, truths)
    # Without checks nothing is cached: workers read the data themselves.
    splits = prepare(config)
    truths = set(splits.frames["validation"]["label"])
    return _Labels(splits.label_names, splits.multi_label, truths)


def _teacher_problems(
    uri: str, config: DatasetConfig, labels: _Labels, tracking_uri: str
) -> list[Problem]:
    from finesweep.runs.teachers import read_teacher, teacher_problems  # loads torch and MLflow

    try:
        teacher = read_teacher(uri, tracking_uri=tracking_uri)
    except ConfigError as error:
        return list(error.problems)
    return teacher_problems(
        teacher, config, label_names=labels.names, multi_label=labels.multi_label
    )
