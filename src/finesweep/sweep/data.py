"""The data that a sweep's trials will read, held against what it asks of them before any begins."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.config import DatasetConfig, SweepPlan, borrowed_name, data_problems
from finesweep.dataset import load_dataset, prepare
from finesweep.errors import ConfigError


def check_data(plan: SweepPlan, data: Sequence[DatasetConfig]) -> None:
    """ConfigError when any of data cannot be read at the sizes asked, has no such metric as the
    sweep goes by, or would get the model's name of other data."""
    problems = borrowed_name(plan)
    for config in data:
        try:
            multi_label, truths = _read(config)
            found = data_problems(plan.settings, multi_label=multi_label, n_truths=len(truths))
        except ConfigError as error:
            found = list(error.problems)
        problems += [problem for problem in found if problem not in problems]
    if problems:
        raise ConfigError(*problems)


def _read(config: DatasetConfig) -> tuple[bool, set[int]]:
    """Whether texts may have several labels, and the labels, or sets of them, of validation."""
    if config.checks == "strict":
        dataset = load_dataset(config)
        return dataset.multi_label, set(dataset.validation["label"])
    # What is not looked at is not kept either: workers read the data themselves.
    splits = prepare(config)
    return splits.multi_label, set(splits.frames["validation"]["label"])
