"""Running a model from the output of its frozen layers, once that is proven equivalent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from transformers import PreTrainedModel

from finesweep.model.capabilities.anatomy import Inputs, anatomy_of, quiet
from finesweep.model.capabilities.proof import alike, close, logits_and_gradients
from finesweep.model.replacement import replaced_forward

ROUNDING = 1e-5
"""Tolerance relative to the largest value, tight because the layers above run on the same numbers.
In a tiny Zamba2, whose layers also read the embeddings, wrong ones change the logits by 3e-4."""


class Bypass:
    """Runs a model from a level: 0 is the tokens, level k the output of the k-th lowest layer.

    The model still gets its tokens, and computes masks, relative positions and the like from them;
    frozen modules that return states return those of the level instead of running.
    """

    def __init__(self, model: PreTrainedModel, depth: int, *, layers_alone: bool = False) -> None:
        """model must be frozen up to depth. layers_alone keeps the embeddings running."""
        self.model, self.anatomy, self.depth = model, anatomy_of(model), depth
        self._skipped = _outermost(
            name
            for name, level in self.anatomy.ends.items()
            if level <= depth
            and name in self.anatomy.states
            and not (layers_alone and self._layer(name) is None)
        )
        self._level, self._states = 0, torch.empty(0)
        self._dtype: torch.dtype | None = None
        self._below: torch.Tensor | None = None
        """What all modules below the level return: it only has to look like states."""
        self.levels: tuple[int, ...] = ()
        """Lower levels from which the states at depth come out the same."""

    @contextmanager
    def install(self) -> Iterator[None]:
        """Within it enter_at and states work; modules keep their names."""
        with ExitStack() as stack:
            for name in self._skipped:
                module = self.model.get_submodule(name)
                stack.enter_context(replaced_forward(module, partial(self._forward, name)))
            yield

    @contextmanager
    def enter_at(self, level: int, states: torch.Tensor | None = None) -> Iterator[None]:
        """Within it the model runs from states [B, L, H] of this level, which set_states may supply
        later."""
        before = self._level, self._states, self._dtype
        self._level = level
        if states is not None:
            self.set_states(states)
        try:
            yield
        finally:
            self._level, states, dtype = before
            self.set_states(states, dtype=dtype)

    def set_states(self, states: torch.Tensor, *, dtype: torch.dtype | None = None) -> None:
        """dtype: in which the model gets them, if not in their own."""
        self._states, self._dtype, self._below = states, dtype, None

    @torch.no_grad()
    def states(self, level: int, **inputs: torch.Tensor) -> torch.Tensor:
        """[B, L, H] at this level for token inputs, computed from the level that is entered."""
        outputs: list[torch.Tensor] = []

        def capture(module: Any, arguments: Any, output: Any) -> None:
            outputs.append(output if isinstance(output, torch.Tensor) else output[0])
            raise _ReachedError

        exit_of_level = self.model.get_submodule(self.anatomy.exit(level))
        # Before pooling, which may replace this output: the states do not depend on it.
        hook = exit_of_level.register_forward_hook(capture, prepend=True)
        try:
            with quiet(self.model):
                self.model(**inputs)
        except _ReachedError:
            pass
        finally:
            hook.remove()
        return outputs[0]

    def _forward(self, name: str, original: Any, *arguments: Any, **named: Any) -> Any:
        if self._level == 0 or self.anatomy.ends[name] > self._level:
            return original(*arguments, **named)
        rest = self.anatomy.states[name]
        is_below = self.anatomy.ends[name] < self._level
        if is_below and self._below is None:
            self._below = self._copied()
        states = self._below if is_below else self._copied()
        return states if rest is None else type(rest)([states, *rest[1:]])

    def _copied(self) -> torch.Tensor:
        """A copy, since models write into what a layer returned."""
        return self._states.to(self._dtype or self._states.dtype, copy=True)

    def _layer(self, name: str) -> int | None:
        layers = self.anatomy.layers
        return next((k for k, names in enumerate(layers) if name in names), None)


def proven_bypass(
    model: PreTrainedModel, depth: int, inputs: Inputs, *, first_only: bool
) -> Bypass | str:
    """A bypass with which model, frozen up to depth, has the same logits and gradients; or the
    reason why there is none.

    inputs are training rows of different lengths. first_only resumes from the states of each row's
    first token only.
    """
    anatomy = anatomy_of(model)
    kind = model.config.model_type
    if anatomy.n_shared:
        return f"{kind} shares the weights of its layers"
    if anatomy.exit(depth) not in anatomy.states:
        return f"{kind} passes no token states from layer to layer"
    why = ""
    for layers_alone in (False, True):
        bypass = Bypass(model, depth, layers_alone=layers_alone)
        try:
            why = _difference(bypass, inputs, first_only=first_only)
        except Exception as error:  # an architecture may reject states that it did not compute
            why = f"it raises {type(error).__name__}"
        if not why:
            return bypass
    return f"{kind} cannot run from the output of its layer {depth}: {why}"


def _difference(bypass: Bypass, inputs: Inputs, *, first_only: bool) -> str:
    """How logits or gradients differ with the bypass; empty when they do not."""
    model, level = bypass.model, bypass.depth
    with torch.random.fork_rng(devices=[]), quiet(model):
        plain = logits_and_gradients(model, inputs)
        if not close(plain[0], logits_and_gradients(model, inputs)[0], rounding=ROUNDING):
            return "its logits vary from call to call"
        with bypass.install():
            states = bypass.states(level, **inputs)
            entry = dict(inputs)
            bypass.levels = tuple(
                k for k in range(1, level) if _is_reachable(bypass, k, states, inputs)
            )
            if first_only:
                states, entry = states[:, :1], {k: each[:, :1] for k, each in inputs.items()}
            with bypass.enter_at(level, states):
                bypassed = logits_and_gradients(model, entry)
    if alike(plain, bypassed, rounding=ROUNDING):
        return ""
    gap = float((plain[0] - bypassed[0]).abs().max())
    return f"its logits differ by {gap:.2g}" if gap else "its gradients differ"


def _is_reachable(bypass: Bypass, level: int, states: torch.Tensor, inputs: Inputs) -> bool:
    """Whether states, at the bypass's depth, can be computed from those at a lower level."""
    if bypass.anatomy.exit(level) not in bypass.anatomy.states:
        return False
    with bypass.enter_at(level, bypass.states(level, **inputs)):
        return close(states, bypass.states(bypass.depth, **inputs), rounding=ROUNDING)


def _outermost(candidates: Iterator[str]) -> tuple[str, ...]:
    names = set(candidates)

    def is_inside(name: str) -> bool:
        return any(name.startswith(f"{other}.") for other in names)

    return tuple(sorted(name for name in names if not is_inside(name)))


class _ReachedError(Exception):
    """Raised when the layer has run whose output is needed."""
