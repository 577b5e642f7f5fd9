"""Names of runs in MLflow, by which the trials of a sweep can be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finesweep.config import Composed

MAX_SETTINGS = 3
SYMBOLS = {
    "training.learning_rate": "lr ",
    "dataset.max_length": "L",
    "training.epochs": "ep ",
    "model.freeze_layers": "frozen ",
    "training.weight_decay": "wd ",
    "training.batch_size": "bs ",
}
"""Field → how its value begins in a name, in that order; of other fields their last part does."""
UNNAMED = {"model", "dataset", "training.seed", "training.head_seed", "training.precision"}
"""Settings that the name has already, or that do not tell trials apart."""
PRUNED = " · pruned"
"""Ends the name of a pruned run: MLflow paints KILLED as it paints FAILED."""


def model_name(composed: Composed) -> str:
    """The choice of the group `model`, else the checkpoint."""
    return composed.choices.get("model", composed.config.model.name_or_path)


def run_name(
    composed: Composed, trial: str | None = None, values: Mapping[str, Any] | None = None
) -> str:
    """`7 distil_minilm lr 2.9e-4 L32` for a trial with these searched values; without a trial the
    model and its dataset."""
    model = model_name(composed)
    if trial is None:
        return f"{model} on {composed.config.dataset.name}"
    searched = {path: value for path, value in (values or {}).items() if path not in UNNAMED}
    order = [*SYMBOLS, *searched]
    settings = [
        f"{SYMBOLS.get(path, path.rpartition('.')[2] + ' ')}{_number(searched[path])}"
        for path in sorted(searched, key=order.index)
    ]
    return " ".join([trial, model, *settings[:MAX_SETTINGS]])


def _number(value: Any) -> str:
    """Two digits of a fraction, and its exponent without zeros: 2.9e-4."""
    if not isinstance(value, float) or value.is_integer():
        return str(value)
    if abs(value) >= 1e-3:
        return f"{value:.2g}"
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}"
