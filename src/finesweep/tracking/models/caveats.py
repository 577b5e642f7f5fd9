"""What only finesweep does with a model, for every card of it."""

from __future__ import annotations

from collections.abc import Sequence


def caveat(*, pooling: str | None, clean: Sequence[str]) -> str:
    """A paragraph about what changes the logits and is left out where finesweep does not load the
    model; empty if nothing is. pooling and clean as in model.pooling and dataset.clean."""
    steps = []
    if pooling is not None:
        steps.append(f"its head reads the {pooling} of the token states (model.pooling)")
    if clean:
        steps.append(f"its texts are cleaned first (dataset.clean: {', '.join(clean)})")
    if not steps:
        return ""
    return (
        f"Where finesweep loads it, as `finesweep.load_model` does, {' and '.join(steps)}."
        " Transformers and MLflow alone leave that out, and predict something else.\n"
    )
