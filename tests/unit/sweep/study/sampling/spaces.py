"""Plans of one small search space with a condition on each of two models."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import chdir
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from finesweep.config import SweepPlan, compose_sweep

SPACE = """\
# @package sweep
n_trials: null
portfolio: 0
sampler: {_target_: optuna.samplers.GridSampler}
params:
  dataset: tweets
  dataset.max_length: 32
  model: choice(minilm, distil_minilm)
  training.learning_rate: choice(1e-5, 1e-4)
  training.epochs: range(1, 3)
when:
  model=minilm:
    model.freeze_layers: range(0, 7, 3)
  model=distil_minilm:
    model.freeze_layers: range(0, 4, 2)
"""
N_POINTS = 2 * 2 * (3 + 2)
"""Of the grid of SPACE."""
RATE, EPOCHS, DEPTH = "training.learning_rate", "training.epochs", "model.freeze_layers"


@cache
def composed(*overrides: str) -> SweepPlan:
    """The plan in a folder of its own: it takes longer to compose one than a test."""
    with TemporaryDirectory() as folder, chdir(folder):
        Path("sweeps").mkdir()
        Path("sweeps/own.yaml").write_text(SPACE, encoding="utf-8")
        return compose_sweep("own", overrides)


def plan_with(
    sampler: str = "GridSampler",
    *overrides: str,
    enqueued: tuple[Mapping[str, Any], ...] = (),
    **settings: Any,
) -> SweepPlan:
    """The plan with the sampler of these arguments after optuna.samplers."""
    plan = composed(*overrides)
    node = yaml.safe_load(f"{{_target_: optuna.samplers.{sampler}}}")
    changed = replace(plan.settings, sampler=node, **settings)
    return replace(plan, settings=changed, enqueued=enqueued)
