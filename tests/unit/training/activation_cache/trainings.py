"""The same small training, with and without cached states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from finesweep.config import TrainingConfig
from finesweep.ledger import TimeLedger
from finesweep.records import Objective, Tokens, TrainingResult
from finesweep.training import fit, plan_activations
from finesweep.training.activation_cache.rule import Place, Rates

TRAINING = TrainingConfig(
    epochs=2, batch_size=16, learning_rate=1e-2, evaluations_per_epoch=2, precision="fp32"
)
Loaded = Callable[..., PreTrainedModel]
_CPU = Rates(
    device="cpu",
    layer_seconds=1.0,
    read_bytes_per_second=1e12,
    copy_bytes_per_second=1e12,
    device_free_bytes=0,
    host_free_bytes=10**12,
    disk_free_bytes=10**12,
)
PAYING: dict[Place, Rates] = {
    "disk": _CPU,
    "pinned": replace(_CPU, device="cuda"),
    "device": replace(_CPU, device="cuda", device_free_bytes=10**12),
}
"""Place → stated rates at which states live there, of models so small that computing would be
faster at real ones."""


def trained(
    model: PreTrainedModel,
    tokens: Tokens,
    root: Path | None,
    *,
    place: Place = "disk",
    **settings: Any,
) -> tuple[TrainingResult, TimeLedger]:
    config, ledger = replace(TRAINING, **settings), TimeLedger()
    made = None
    if root is not None:
        made, plan = plan_activations(
            model, tokens, config, root=root, cache_gb=1, shared=True, rates=PAYING[place]
        )
        assert plan.place == place, plan
    result = fit(
        model,
        tokens,
        config,
        objective=Objective(),
        on_evaluation=lambda evaluation: None,
        activation_cache=made,
        ledger=ledger,
    )
    return result, ledger


def losses(result: TrainingResult) -> list[float]:
    names = ("train/loss", "validation/loss")
    return [each.metrics[name] for each in result.evaluations for name in names]
