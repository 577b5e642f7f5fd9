"""A model that is entered above its frozen layers, once it was shown that it answers the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from transformers import PreTrainedModel

from finesweep.model.capabilities.anatomy import Inputs, anatomy_of, quiet
from finesweep.model.capabilities.proof import alike, answers, close
from finesweep.model.replacement import replaced_forward

ROUNDING = 1e-5
"""Of the largest value. What is left to run runs as ever, on the same numbers: in a tiny Zamba2,
whose layers also take the embeddings, states of layer 1 in their place make a difference of 3e-4.
"""


class Bypass:
    """Lets a model run without what stands below a level: 0 is the tokens, level k the output of
    the k-th lowest layer.

    The model still gets its tokens, and what it computes beside its layers, such as masks and
    relative positions, it computes as ever; frozen modules that return states return those of the
    level instead.
    """

    def __init__(self, model: PreTrainedModel, depth: int, *, layers_alone: bool = False) -> None:
        """Of a model that is frozen up to depth. layers_alone leaves the embeddings running."""
        self.model, self.anatomy, self.depth = model, anatomy_of(model), depth
        self._skipped = _outermost(
            name
            for name, level in self.anatomy.ends.items()
            if level <= depth
            and name in self.anatomy.states
            and not (layers_alone and self._layer(name) is None)
        )
        self._level, self._states = 0, torch.empty(0)
        self.levels: tuple[int, ...] = ()
        """Levels below from which the states at depth come out the same."""

    @contextmanager
    def install(self) -> Iterator[None]:
        """Within it enter_at and states work; modules keep their places and names."""
        with ExitStack() as stack:
            for name in self._skipped:
                module = self.model.get_submodule(name)
                stack.enter_context(replaced_forward(module, partial(self._forward, name)))
            yield

    @contextmanager
    def enter_at(self, level: int, states: torch.Tensor | None = None) -> Iterator[None]:
        """Within it the model goes on from states [B, L, H] of this level, which `enter` may bring
        later."""
        before = self._level, self._states
        self._level = level
        if states is not None:
            self._states = states
        try:
            yield
        finally:
            self._level, self._states = before

    def set_states(self, states: torch.Tensor) -> None:
        self._states = states

    @torch.no_grad()
    def states(self, level: int, **inputs: torch.Tensor) -> torch.Tensor:
        """[B, L, H] at this level, of inputs of the tokens; made from the level that is entered."""
        caught: list[torch.Tensor] = []

        def catch(module: Any, arguments: Any, output: Any) -> None:
            caught.append(output if isinstance(output, torch.Tensor) else output[0])
            raise _ReachedError

        exit_of_level = self.model.get_submodule(self.anatomy.exit(level))
        hook = exit_of_level.register_forward_hook(catch)
        try:
            with quiet(self.model):
                self.model(**inputs)
        except _ReachedError:
            pass
        finally:
            hook.remove()
        return caught[0]

    def _forward(self, name: str, original: Any, *arguments: Any, **named: Any) -> Any:
        if self._level == 0 or self.anatomy.ends[name] > self._level:
            return original(*arguments, **named)
        rest = self.anatomy.states[name]
        # Models write into what a layer returned.
        states = self._states.clone()
        return states if rest is None else type(rest)([states, *rest[1:]])

    def _layer(self, name: str) -> int | None:
        known = self.anatomy.layers
        return next((k for k, names in enumerate(known) if name in names), None)


def proven_bypass(
    model: PreTrainedModel, depth: int, inputs: Inputs, *, first_only: bool
) -> Bypass | str:
    """A bypass with which model, frozen up to depth, answers rows of unlike length as without it,
    and learns the same; or in words why there is none.

    inputs are such rows as it is trained on. first_only goes on from the states of each row's first
    token alone.
    """
    anatomy = anatomy_of(model)
    kind = model.config.model_type
    if anatomy.n_shared:
        return f"{kind} runs its layers with the same weights"
    if anatomy.exit(depth) not in anatomy.states:
        return f"{kind} hands on no states of tokens from layer to layer"
    why = ""
    for layers_alone in (False, True):
        bypass = Bypass(model, depth, layers_alone=layers_alone)
        try:
            why = _difference(bypass, inputs, first_only=first_only)
        except Exception as error:  # whatever an architecture does with states that it did not make
            why = f"it raises {type(error).__name__}"
        if not why:
            return bypass
    return f"{kind} cannot be entered above its layer {depth}: {why}"


def _difference(bypass: Bypass, inputs: Inputs, *, first_only: bool) -> str:
    """Empty where logits and gradients are the same both ways."""
    model, level = bypass.model, bypass.depth
    with torch.random.fork_rng(devices=[]), quiet(model):
        plain = answers(model, inputs)
        if not close(plain[0], answers(model, inputs)[0], rounding=ROUNDING):
            return "the same rows get other answers each time"
        with bypass.install():
            states = bypass.states(level, **inputs)
            given = dict(inputs)
            bypass.levels = tuple(k for k in range(1, level) if _leads(bypass, k, states, inputs))
            if first_only:
                states, given = states[:, :1], {name: each[:, :1] for name, each in inputs.items()}
            with bypass.enter_at(level, states):
                entered = answers(model, given)
    if alike(plain, entered, rounding=ROUNDING):
        return ""
    gap = float((plain[0] - entered[0]).abs().max())
    return f"its answers differ by {gap:.2g}" if gap else "it would learn something else"


def _leads(bypass: Bypass, level: int, states: torch.Tensor, inputs: Inputs) -> bool:
    """Whether states, at the bypass's depth, can be made of those at a level below."""
    if bypass.anatomy.exit(level) not in bypass.anatomy.states:
        return False
    with bypass.enter_at(level, bypass.states(level, **inputs)):
        return close(states, bypass.states(bypass.depth, **inputs), rounding=ROUNDING)


def _outermost(names: Iterator[str]) -> tuple[str, ...]:
    known = set(names)

    def is_inside(name: str) -> bool:
        return any(name.startswith(f"{other}.") for other in known)

    return tuple(sorted(name for name in known if not is_inside(name)))


class _ReachedError(Exception):
    """The layer whose output is wanted has run."""
