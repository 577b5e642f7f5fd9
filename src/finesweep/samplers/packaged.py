"""The table of past trials that comes with finesweep; `benchmarks/past_trials.py` makes it."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Any

from optuna.distributions import json_to_distribution
from optuna.trial import FrozenTrial, create_trial


def packaged_tasks(without: Collection[str] = ()) -> list[list[FrozenTrial]]:
    """The finished trials of each data set in the table but these, with losses as values.

    without may be `all`. ValueError when the table has no data set of such a name. The trials are
    shared: a sampler is made for each trial, the table is read once.
    """
    if "all" in without:
        return []
    if unknown := set(without) - set(_tasks()):
        raise ValueError(f"no past trials of {sorted(unknown)}; there are {sorted(_tasks())}")
    return [trials for name, trials in _tasks().items() if name not in without]


@cache
def _tasks() -> dict[str, list[FrozenTrial]]:
    text = files("finesweep.samplers").joinpath("past_trials.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    distributions = {
        name: json_to_distribution(text) for name, text in table["distributions"].items()
    }
    return {
        task: [
            create_trial(
                params=trial["params"],
                distributions={name: distributions[name] for name in trial["params"]},
                value=trial["value"],
            )
            for trial in trials
        ]
        for task, trials in table["tasks"].items()
    }
