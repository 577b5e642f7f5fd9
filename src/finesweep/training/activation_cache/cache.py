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
from finesweep.training.activation_cache.readers import Reader, reader
from finesweep.training.activation_cache.rule import Plan
from finesweep.training.activation_cache.state_file import allocate, open_files
from finesweep.training.batches import ROW

TOKEN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""The inputs of a batch that are [B, L]."""


class ActivationCache:
    """The outputs of one training's frozen layers."""

    def __init__(
        self,
        bypass: Bypass,
        tokens: Tokens,
        *,
        root: Path,
        plan: Plan,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """dtype: of the cached states. device: the one that trains, where states are needed."""
        model, anatomy = bypass.model, bypass.anatomy
        self.bypass, self.depth, self.first_only = bypass, plan.depth, plan.first_only
        self.of_all_tokens = plan.depth == len(anatomy.layers) and not plan.first_only
        """Whether all tokens of the last layer's output are cached."""
        self.pads_left = tokens.tokenizer.padding_side == "left"
        full_lengths = lengths_of(tokens)
        self.seconds_saved_per_token = plan.seconds_saved_per_pass / sum(
            each.sum() for each in full_lengths.values()
        )
        lengths = cached_lengths(full_lengths, first_only=self.first_only)
        size = anatomy.widths[anatomy.exit(self.depth)]
        key = partial(folder_of, root, model, tokens, dtype=dtype)
        opened = partial(open_files, dtype=dtype, pads_left=self.pads_left)
        folder = allocate(key(depth=self.depth, first_only=self.first_only), lengths, size, dtype)
        self.readers = {
            split: reader(file, plan.place, device)
            for split, file in opened(folder, lengths, size).items()
        }
        below = ((k, key(depth=k)) for k in reversed(bypass.levels))
        self.lower = [
            (k, opened(subfolder, full_lengths, anatomy.widths[anatomy.exit(k)]))
            for k, subfolder in below
            if subfolder.exists()
        ]
        """Shallower depths that have states, the deepest first."""

    def load_states(self, inputs: dict[str, Any], split: str, ledger: TimeLedger) -> dict[str, Any]:
        """The batch for a model entered at `depth`; the bypass now has its states."""
        mask, rows, source = inputs["attention_mask"], inputs.pop(ROW), self.readers[split]
        n_missing = 0
        if not source.is_complete:
            with ledger.on("caching"):
                n_missing = self._fill(source, split, rows.cpu().numpy(), inputs)
        # Padding counts: it is computed too, and counting tokens would wait for the device.
        n_read = mask.numel() * (len(rows) - n_missing) / len(rows)
        ledger.saved_by_cache += n_read * self.seconds_saved_per_token
        states = source.read(rows, 1 if self.first_only else mask.shape[1])
        self.bypass.set_states(states, dtype=torch.float32)
        if self.first_only:
            inputs |= {name: inputs[name][:, :1] for name in TOKEN_INPUTS if name in inputs}
        return inputs

    def _fill(
        self, source: Reader, split: str, rows: np.ndarray, inputs: dict[str, torch.Tensor]
    ) -> int:
        """Computes and caches the missing rows of a batch, and returns their number."""
        missing = np.flatnonzero(~source.has(rows))
        if not len(missing):
            return 0
        rows, mask = rows[missing], inputs["attention_mask"]
        indices = torch.from_numpy(missing).to(mask.device)
        width = int(mask[indices].sum(dim=1).max())
        part = slice(-width, None) if self.pads_left else slice(width)
        subset = {name: inputs[name][indices][:, part] for name in TOKEN_INPUTS if name in inputs}
        level, lower = self._lower_states(split, rows, width, mask.device)
        with self.bypass.enter_at(level, lower):
            states = self.bypass.states(self.depth, **subset)
        source.write(rows, states[:, :1] if self.first_only else states)
        return len(missing)

    def _lower_states(
        self, split: str, rows: np.ndarray, width: int, device: torch.device
    ) -> tuple[int, torch.Tensor | None]:
        """The deepest level below at which all of these rows are cached, and their states."""
        for depth, files in self.lower:
            file = files[split]
            if file.has(rows).all():
                states = file.spans.gather(file.states, torch.from_numpy(rows), width)
                return depth, states.to(device).float()
        return 0, None
