"""A training checkpoint as one JSON and one safetensors file, without pickle."""

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
from finesweep.training.checkpoint.rng_state import RngState
from finesweep.training.checkpoint.training_state import (
    TrainingState,
    evaluations_of,
    state_tree,
)
from finesweep.training.checkpoint.weights import trainable_weights

Tree = dict[str, Any]
"""Nested dicts and lists of plain values and tensors. JSON turns tuples into lists."""

VALUES, TENSORS = "state.json", "state.safetensors"
TENSOR = "$tensor"
"""JSON key whose value is the name of a tensor in the other file."""


class Checkpointing(Protocol):
    """Decides when and where a running training is checkpointed."""

    def due(self) -> bool:
        """Called after each optimizer step and after each evaluation batch."""
        ...

    def commit(self, write: Callable[[Path], None], *, step: int) -> None:
        """Calls write with an empty folder, synchronously; step counts optimizer steps done."""
        ...


def saved_evaluations(folder: Path) -> tuple[Evaluation, ...]:
    """The evaluations so far, from a committed folder."""
    values = json.loads((folder / VALUES).read_text(encoding="utf-8"))
    return evaluations_of(values["progress"])


def run_tree(
    *,
    model: PreTrainedModel,
    optimizer: Any,
    scheduler: Any,
    trainer_state: TrainerState,
    rng_state: RngState,
    training_state: TrainingState,
    examples_seen: int,
) -> Tree:
    """A running training, without frozen parameters; shares memory with its arguments."""
    # Accelerate's optimizer holds the scaler of fp16; other precisions have none.
    scaler = optimizer.scaler
    return {
        "seen": examples_seen,
        "trainer": asdict(trainer_state),
        "progress": state_tree(training_state),
        "parameters": dict(trainable_weights(model)),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "scaler": None if scaler is None else scaler.state_dict(),
        "streams": rng_state,
    }


def write_tree(folder: Path, tree: Tree) -> None:
    """Writes a tree's plain values and tensors; floats survive JSON unchanged."""
    tensors: dict[str, torch.Tensor] = {}
    values = _extract_tensors(tree, "", tensors)
    save_file(tensors, folder / TENSORS)
    (folder / VALUES).write_text(json.dumps(values), encoding="utf-8")


def read_tree(folder: Path) -> Tree:
    """The tree that write_tree wrote, in CPU memory; the folder may then be deleted."""
    # load_file maps the file: replacing or truncating it later would kill training with SIGBUS.
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / TENSORS).items()}
    values = json.loads((folder / VALUES).read_text(encoding="utf-8"))
    tree: Tree = _insert_tensors(values, tensors)
    return tree


def _extract_tensors(node: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if hasattr(node, "__array__"):  # a tensor, or numpy's
        tensors[path] = torch.as_tensor(node).detach().cpu().contiguous()
        return {TENSOR: path}
    if isinstance(node, dict):
        return {
            key: _extract_tensors(child, f"{path}/{key}", tensors) for key, child in node.items()
        }
    if isinstance(node, (list, tuple)):
        return [_extract_tensors(child, f"{path}/{i}", tensors) for i, child in enumerate(node)]
    return node


def _insert_tensors(node: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(node, dict):
        if TENSOR in node:
            return tensors[node[TENSOR]]
        return {key: _insert_tensors(child, tensors) for key, child in node.items()}
    if isinstance(node, list):
        return [_insert_tensors(child, tensors) for child in node]
    return node
