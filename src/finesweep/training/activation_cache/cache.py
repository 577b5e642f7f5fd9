"""The outputs of one training's frozen layers, in place of the layers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from finesweep.ledger import TimeLedger
from finesweep.model import Bypass
from finesweep.records import Tokens
from finesweep.training.activation_cache.layout import cached_lengths, folder_of, lengths_of
from finesweep.training.activation_cache.rates import seconds_per_token
from finesweep.training.activation_cache.rule import Plan
from finesweep.training.activation_cache.state_file import StateFile, allocate, open_files
from finesweep.training.batches import ROW

TOKEN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""The inputs of a batch that are [B, L]."""


class ActivationCache:
    """The outputs of one training's frozen layers."""

    def __init__(
        self, bypass: Bypass, tokens: Tokens, *, root: Path, plan: Plan, dtype: torch.dtype
    ) -> None:
        model, anatomy = bypass.model, bypass.anatomy
        self.bypass, self.depth = bypass, plan.depth
        self.first_only, self.pads_left = plan.first_only, tokens.tokenizer.padding_side == "left"
        self.of_all_tokens = plan.depth == len(anatomy.layers) and not plan.first_only
        """Whether all tokens of the last layer's output are cached."""
        self.seconds_per_token = plan.depth * seconds_per_token(model)
        full_lengths = lengths_of(tokens)
        lengths = cached_lengths(full_lengths, first_only=self.first_only)
        size = anatomy.widths[anatomy.exit(self.depth)]
        key = partial(folder_of, root, model, tokens, dtype=dtype)
        folder = key(depth=self.depth, first_only=self.first_only)
        self.stores = open_files(allocate(folder, lengths, size, dtype), lengths, size, dtype)
        below = ((k, key(depth=k)) for k in reversed(bypass.levels))
        self.lower = [
            (k, open_files(subfolder, full_lengths, anatomy.widths[anatomy.exit(k)], dtype))
            for k, subfolder in below
            if subfolder.exists()
        ]
        """Shallower depths that have states, the deepest first."""

    def load_states(self, inputs: dict[str, Any], split: str, ledger: TimeLedger) -> dict[str, Any]:
        """The batch for a model entered at `depth`; the bypass now has its states."""
        mask, rows = inputs["attention_mask"], inputs.pop(ROW).cpu().numpy()
        store = self.stores[split]
        width = 1 if self.first_only else mask.shape[1]
        missing = np.flatnonzero(~store.has(rows))
        if len(missing):
            with ledger.on("caching"):
                self._fill(store, split, rows[missing], missing, inputs)
        n_read = int(mask.sum()) - int(mask[torch.from_numpy(missing).to(mask.device)].sum())
        ledger.saved_by_cache += n_read * self.seconds_per_token
        states = store.read(rows, width, pads_left=self.pads_left).to(mask.device)
        self.bypass.set_states(states)
        if self.first_only:
            inputs |= {name: inputs[name][:, :1] for name in TOKEN_INPUTS if name in inputs}
        return inputs

    def _fill(
        self,
        store: StateFile,
        split: str,
        rows: np.ndarray,
        missing: np.ndarray,
        inputs: dict[str, torch.Tensor],
    ) -> None:
        """Computes and caches rows, which are at the positions `missing` in the batch."""
        mask = inputs["attention_mask"]
        indices = torch.from_numpy(missing).to(mask.device)
        width = int(mask[indices].sum(dim=1).max())
        part = slice(-width, None) if self.pads_left else slice(width)
        subset = {name: inputs[name][indices][:, part] for name in TOKEN_INPUTS if name in inputs}
        level, lower = 0, None
        for depth, stores in self.lower:
            if stores[split].has(rows).all():
                read = stores[split].read(rows, width, pads_left=self.pads_left)
                level, lower = depth, read.to(mask.device)
                break
        with self.bypass.enter_at(level, lower):
            states = self.bypass.states(self.depth, **subset)
        store.write(rows, states[:, :1] if self.first_only else states, pads_left=self.pads_left)
