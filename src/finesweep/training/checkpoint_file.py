"""What a checkpoint of a running training holds: one JSON and one safetensors file, no pickle."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel, TrainerState

from finesweep.records import Evaluation
from finesweep.training.rng_state import Streams
from finesweep.training.training_state import (
    TrainingState,
    evaluations_of,
    state_tree,
    trainable_weights,
)

Tree = dict[str, Any]
"""Nested dicts and lists of plain values and tensors. JSON makes lists of tuples."""

VALUES, TENSORS = "state.json", "state.safetensors"
TENSOR = "$tensor"
"""Key under which the JSON names a tensor of the other file."""


class Checkpointing(Protocol):
    """Says when a running training is stored, and where."""

    def due(self) -> bool:
        """Asked after each optimizer step and after each evaluation batch."""
        ...

    def commit(self, write: Callable[[Path], None], *, step: int) -> None:
        """Calls write with an empty folder, at once; step counts the optimizer steps done."""
        ...


def saved_evaluations(folder: Path) -> tuple[Evaluation, ...]:
    """The evaluations made before the state in a committed folder."""
    values = json.loads((folder / VALUES).read_text(encoding="utf-8"))
    return evaluations_of(values["progress"])


def run_tree(
    *,
    model: PreTrainedModel,
    optimizer: Any,
    scheduler: Any,
    trainer_state: TrainerState,
    streams: Streams,
    training_state: TrainingState,
    seen: int,
) -> Tree:
    """A running training, without the parameters that are frozen; shares memory with all given."""
    # Accelerate's optimizer carries the scaler of fp16; other precisions have none.
    scaler = optimizer.scaler
    return {
        "seen": seen,
        "trainer": asdict(trainer_state),
        "progress": state_tree(training_state),
        "parameters": dict(trainable_weights(model)),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "scaler": None if scaler is None else scaler.state_dict(),
        "streams": streams,
    }


def write_tree(folder: Path, tree: Tree) -> None:
    """Writes a tree's plain values and tensors; json writes floats so that they read back equal."""
    tensors: dict[str, torch.Tensor] = {}
    values = _taken_apart(tree, "", tensors)
    save_file(tensors, folder / TENSORS)
    (folder / VALUES).write_text(json.dumps(values), encoding="utf-8")


def read_tree(folder: Path) -> Tree:
    """The tree that write_tree wrote, its tensors in the CPU's memory; the folder may go then."""
    # load_file maps the file; were it replaced or cut while training, a bus error would end all.
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / TENSORS).items()}
    values = json.loads((folder / VALUES).read_text(encoding="utf-8"))
    tree: Tree = _put_together(values, tensors)
    return tree


def _taken_apart(node: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if hasattr(node, "__array__"):  # a tensor, or numpy's
        tensors[path] = torch.as_tensor(node).detach().cpu().contiguous()
        return {TENSOR: path}
    if isinstance(node, dict):
        return {key: _taken_apart(child, f"{path}/{key}", tensors) for key, child in node.items()}
    if isinstance(node, (list, tuple)):
        return [_taken_apart(child, f"{path}/{i}", tensors) for i, child in enumerate(node)]
    return node


def _put_together(node: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(node, dict):
        if TENSOR in node:
            return tensors[node[TENSOR]]
        return {key: _put_together(child, tensors) for key, child in node.items()}
    if isinstance(node, list):
        return [_put_together(child, tensors) for child in node]
    return node
