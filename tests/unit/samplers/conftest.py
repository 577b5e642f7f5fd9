"""Past studies of a known function, and a study to sample for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, create_trial

RATE = FloatDistribution(1e-5, 1e-2, log=True)
DEPTHS = {"large": IntDistribution(0, 6), "small": IntDistribution(0, 3)}
MODEL = CategoricalDistribution(("large", "small"))


def loss(params: dict[str, Any], *, best_rate: float = 1e-3) -> float:
    """Lowest for the large model at the best rate, nothing frozen; 1 is chance."""
    depth = next(value for name, value in params.items() if name.startswith("depth"))
    far = abs(math.log10(params["rate"] / best_rate))
    share = depth / DEPTHS[params["model"]].high
    return min(1.0, 0.3 + 0.2 * far + 0.2 * share + 0.05 * (params["model"] == "small"))


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    model = trial.suggest_categorical("model", MODEL.choices)
    trial.suggest_float("rate", RATE.low, RATE.high, log=True)
    trial.suggest_int(f"depth|model={model}", 0, DEPTHS[model].high)
    return trial.params


def task(seed: int, *, scale: float = 1.0, offset: float = 0.0, n: int = 24) -> list[FrozenTrial]:
    """Random finished trials of a data set on which losses have this scale and offset."""
    generator = np.random.default_rng(seed)
    trials = []
    for _ in range(n):
        model = MODEL.choices[int(generator.integers(2))]
        depth = DEPTHS[model]
        params = {
            "model": model,
            "rate": float(10 ** generator.uniform(-5, -2)),
            f"depth|model={model}": int(generator.integers(depth.high + 1)),
        }
        distributions = {"model": MODEL, "rate": RATE, f"depth|model={model}": depth}
        value = offset + scale * (loss(params) + float(generator.normal(0, 0.01)))
        trials.append(create_trial(params=params, distributions=distributions, value=value))
    return trials


@pytest.fixture(scope="session")
def past() -> list[list[FrozenTrial]]:
    """Three data sets that agree on what is good, on different scales."""
    return [task(0), task(1, scale=3.0), task(2, scale=0.5, offset=2.0)]


@pytest.fixture
def objective() -> Callable[[optuna.Trial], float]:
    return lambda trial: loss(suggest(trial))
