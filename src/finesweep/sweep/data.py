"""Checks the datasets that a sweep's trials will read, before any trial starts."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.config import DatasetConfig, SweepPlan, borrowed_name, data_problems
from finesweep.dataset import load_dataset, prepare
from finesweep.errors import ConfigError


def check_data(plan: SweepPlan, data: Sequence[DatasetConfig]) -> None:
    """Raises ConfigError when a dataset cannot be read at the configured sizes, does not have the
    sweep's metric, or would be registered under another dataset's model name."""
    problems = borrowed_name(plan)
    for config in data:
        try:
            multi_label, labels = _read(config)
            new = data_problems(plan.settings, multi_label=multi_label, n_truths=len(labels))
        except ConfigError as error:
            new = list(error.problems)
        problems += [problem for problem in new if problem not in problems]
    if problems:
        raise ConfigError(*problems)


def _read(config: DatasetConfig) -> tuple[bool, set[int]]:
    """Whether texts may have several labels, and the labels, or label sets, in validation."""
    if config.checks == "strict":
        dataset = load_dataset(config)
        return dataset.multi_label, set(dataset.validation["label"])
    # Without checks nothing is cached: workers read the data themselves.
    splits = prepare(config)
    return splits.multi_label, set(splits.frames["validation"]["label"])
