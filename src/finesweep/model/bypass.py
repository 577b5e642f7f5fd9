"""An encoder that can be entered above its frozen layers, and left below the trained ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from finesweep.model.freeze import encoder_layers


class Bypass:
    """Stands in a model's place while it trains: level 0 is the tokens, level k the output of the
    embeddings and of the k lowest layers.

    Works for encoders that keep `embeddings` beside a list of layers, as BERT and its kin do.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.model, self.layers = model, encoder_layers(model)
        self._entered_at = 0

    @staticmethod
    def fits(model: PreTrainedModel) -> bool:
        return isinstance(getattr(model.base_model, "embeddings", None), nn.Module)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Within it enter and states work; parameters keep their places and names afterwards."""
        base, originals = self.model.base_model, list(self.layers)
        embeddings = base.embeddings
        base.embeddings = _Passable(embeddings, self, level=0)
        for level, layer in enumerate(originals):
            if not any(p.requires_grad for p in layer.parameters()):
                self.layers[level] = _Passable(layer, self, level=level)
        try:
            yield
        finally:
            base.embeddings = embeddings
            for level, layer in enumerate(originals):
                self.layers[level] = layer

    @contextmanager
    def entered(self, level: int) -> Iterator[None]:
        """Within it the model takes states [B, L, H] of this level as inputs_embeds."""
        before, self._entered_at = self._entered_at, level
        try:
            yield
        finally:
            self._entered_at = before

    @torch.no_grad()
    def states(self, level: int, **inputs: torch.Tensor) -> torch.Tensor:
        """[B, L, H] at this level, of inputs of the level that was entered."""
        base = self.model.base_model
        if level == len(self.layers):
            last: torch.Tensor = base(**inputs).last_hidden_state
            return last
        caught: list[torch.Tensor] = []

        def catch(module: nn.Module, arguments: tuple[Any, ...]) -> None:
            caught.append(arguments[0])
            raise _ReachedError

        hook = self.layers[level].register_forward_pre_hook(catch)
        try:
            base(**inputs)
        except _ReachedError:
            pass
        finally:
            hook.remove()
        return caught[0]

    def is_skipped(self, level: int) -> bool:
        return level < self._entered_at


class _ReachedError(Exception):
    """The layer whose input is wanted is about to run."""


class _Passable(nn.Module):
    """A frozen module, or nothing but a way through while the model is entered above it."""

    def __init__(self, module: nn.Module, bypass: Bypass, *, level: int) -> None:
        super().__init__()
        self.module, self.level = module, level
        self._bypass = [bypass]  # in a list, or it would count as a part of the model

    def forward(self, *arguments: Any, **named: Any) -> Any:
        if not self._bypass[0].is_skipped(self.level):
            return self.module(*arguments, **named)
        if (given := named.get("inputs_embeds")) is not None:
            return given
        return next(each for each in arguments if isinstance(each, torch.Tensor) and each.ndim == 3)
