"""A model's layers and the parts below each, found by tracing one forward pass.

Names are not enough: FlauBERT has the parts of a layer in four lists, BART has two stacks, ALBERT
runs one layer repeatedly. The order in which modules run tells for all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

Inputs = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Anatomy:
    """Names of a model's parts; levels count layers, and level k is the output of the k-th."""

    layers: tuple[tuple[str, ...], ...]
    """The modules of each layer, in the order in which they run; lowest layer first. A single entry
    if layers share their weights."""
    n_shared: int
    """Number of layers that share their weights; 0 if each has its own."""
    levels: Mapping[str, int]
    """Parameter → the level by which it has been used; number of layers + 1 if it is used after the
    last layer or not at all."""
    ends: Mapping[str, int]
    """Module → the level by which it has run for the last time."""
    calls: Mapping[str, int]
    """Module → number of calls."""
    states: Mapping[str, Any]
    """Module → its output with None for tensors, for modules whose first output is states
    [B, L, H]."""
    widths: Mapping[str, int]
    """Module → H, for the same modules."""
    output: str | None = None
    """The module whose output is the encoder's states [B, L, H]; None if no module returns them."""

    def below(self, depth: int) -> Iterator[str]:
        """The parameters to freeze at a depth; none at 0."""
        return (name for name, level in self.levels.items() if depth and level <= depth)

    def exit(self, depth: int) -> str:
        """The module whose output is that of the depth-th layer."""
        return self.layers[depth - 1][-1]


def anatomy_of(model: PreTrainedModel) -> Anatomy:
    """The anatomy found when the model was loaded; else it is traced now, on plain token ids."""
    if not isinstance(anatomy := getattr(model, "anatomy", None), Anatomy):
        model.anatomy = anatomy = dissect(model, plain_inputs(model))
    return anatomy


def dissect(model: PreTrainedModel, inputs: Inputs) -> Anatomy:
    """The anatomy, by tracing one forward pass ends a few rows; raises what the model raises."""
    trace = _Trace(model, tuple(inputs["input_ids"].shape))
    with trace.watching(), torch.no_grad(), torch.random.fork_rng(devices=[]), quiet(model):
        model(**inputs)
    stacks = _stacks(model, trace)
    n_shared = 0
    if any(len(trace.calls[name]) > 1 for stack in stacks for (name, *_) in stack):
        n_shared = sum(len(trace.calls[names[0]]) for stack in stacks for names in stack)
        stacks = [[tuple(name for stack in stacks for names in stack for name in names)]]
    layers = tuple(names for stack in stacks for names in stack)
    ends = [max(trace.last(name) for name in names) for names in layers]

    def level(time: float) -> int:
        return sum(end < time for end in ends) + 1

    unused = float("inf")
    return Anatomy(
        layers=layers,
        n_shared=n_shared,
        levels={n: level(trace.used.get(n, unused)) for n, _ in model.named_parameters()},
        ends={name: level(trace.last(name) - 0.5) for name in trace.calls},
        calls={name: len(spans) for name, spans in trace.calls.items()},
        states=trace.states,
        widths=trace.widths,
        output=_output(model, trace, layers),
    )


@contextmanager
def quiet(model: nn.Module) -> Iterator[None]:
    """Within it every module is in eval mode; afterwards each has its previous mode."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


@dataclass(eq=False)
class _Trace(TorchFunctionMode):
    """Time steps, counted from 0, at which modules begin and end and parameters are first used."""

    model: nn.Module
    shape: tuple[int, ...]
    """[B, L] of the inputs."""
    now: int = 0
    calls: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    used: dict[str, int] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)
    fed: set[str] = field(default_factory=set)
    """Modules that take states as input, as layers do; lists of embeddings do not."""

    def __post_init__(self) -> None:
        super().__init__()
        self._names = {id(p): name for name, p in self.model.named_parameters()}
        self._open: dict[str, list[int]] = defaultdict(list)

    def last(self, name: str) -> int:
        return self.calls[name][-1][1]

    @contextmanager
    def watching(self) -> Iterator[None]:
        hooks = []
        for name, module in self.model.named_modules():
            begin = partial(self._begin, name)
            hooks.append(module.register_forward_pre_hook(begin, with_kwargs=True))
            end = partial(self._end, name)
            hooks.append(module.register_forward_hook(end, with_kwargs=True))
        try:
            with self:
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        values = (*args, *(kwargs or {}).values())
        nested = (each for value in values if isinstance(value, (list, tuple)) for each in value)
        for value in (*values, *nested):
            if (name := self._names.get(id(value))) is not None:
                self.used.setdefault(name, self._tick())
        return func(*args, **(kwargs or {}))

    def _tick(self) -> int:
        self.now += 1
        return self.now

    def _begin(self, name: str, module: nn.Module, args: Any, kwargs: Any) -> None:
        self._open[name].append(self._tick())
        if any(_is_float(each) and each.ndim > 2 for each in (*args, *kwargs.values())):
            self.fed.add(name)

    def _end(self, name: str, module: nn.Module, _: Any, __: Any, output: Any) -> None:
        began = self._open[name].pop()
        for own, parameter in module.named_parameters(recurse=False):
            # Uses inside torch's C++ code are not seen: count them from the module's begin.
            full = self._names.get(id(parameter), f"{name}.{own}")
            self.used.setdefault(full, began)
        self.calls[name].append((began, self._tick()))
        if self._is_state(output):
            self.states[name] = _emptied(output)
            first = output if isinstance(output, torch.Tensor) else output[0]
            self.widths[name] = int(first.shape[2])
        else:
            self.states.pop(name, None)

    def _is_state(self, output: Any) -> bool:
        """Whether output is [B, L, H], or a tuple that begins with it."""
        first = output[0] if type(output) in (tuple, list) and output else output
        return _is_float(first) and first.ndim == 3 and tuple(first.shape[:2]) == self.shape


def _is_float(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _emptied(output: Any) -> Any:
    """output with None in place of tensors."""
    if isinstance(output, torch.Tensor):
        return None
    return type(output)([None if isinstance(each, torch.Tensor) else each for each in output])


def _output(
    model: PreTrainedModel, trace: _Trace, layers: tuple[tuple[str, ...], ...]
) -> str | None:
    """The last module of the encoder that returns states as wide as the last layer's."""
    last = layers[-1][-1] if layers else None
    if last not in trace.states:
        return None
    stem = _stem(model)
    own = [
        name
        for name, width in trace.widths.items()
        if name in trace.states
        and name.startswith(stem)
        and width == trace.widths[last]
        and trace.last(name) >= trace.last(last)
    ]
    return max(own, key=trace.last)


def _stem(model: PreTrainedModel) -> str:
    """How the names of the encoder's modules begin."""
    base = model.base_model
    stem = next(name for name, module in model.named_modules() if module is base)
    return f"{stem}." if stem else ""


def _stacks(model: PreTrainedModel, trace: _Trace) -> list[list[tuple[str, ...]]]:
    """Stacks of layers in the order in which they run; parts of one layer are grouped."""
    stem = _stem(model)
    lists = [
        names
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList)
        and name.startswith(stem)
        and (names := [f"{name}.{child}" for child, _ in module.named_children()])
        and _runs_in_order(trace, names)
    ]
    lists.sort(key=lambda names: trace.calls[names[0]][0][0])
    outer = [names for names in lists if not any(_is_within(names, other) for other in lists)]
    stacks: list[list[tuple[str, ...]]] = []
    for names in outer:
        if stacks and _interleaved(trace, stacks[-1], names):
            stacks[-1] = [(*parts, name) for parts, name in zip(stacks[-1], names, strict=True)]
        elif not stacks or _end_of(trace, stacks[-1]) < trace.calls[names[0]][0][0]:
            stacks.append([(name,) for name in names])
    return [[tuple(sorted(parts, key=trace.last)) for parts in stack] for stack in stacks]


def _runs_in_order(trace: _Trace, names: list[str]) -> bool:
    """Whether all modules of a list take states, and each ends before the next begins."""
    if not all(trace.calls.get(name) and name in trace.fed for name in names):
        return False
    firsts = [trace.calls[name][0] for name in names]
    return all(one[1] < other[0] for one, other in pairwise(firsts))


def _is_within(names: list[str], other: list[str]) -> bool:
    return any(names[0].startswith(f"{each}.") for each in other)


def _interleaved(trace: _Trace, stack: list[tuple[str, ...]], names: list[str]) -> bool:
    """Whether the k-th of names runs before any part of layer k + 1. Single modules of one class
    are consecutive layers instead, such as the blocks of a funnel transformer."""
    if len(stack) != len(names):
        return False
    kinds = [{type(trace.model.get_submodule(name)) for name in each} for each in (stack[0], names)]
    if len(names) == 1 and not kinds[0].isdisjoint(kinds[1]):
        return False
    layers = [(*parts, name) for parts, name in zip(stack, names, strict=True)]
    begins = [min(trace.calls[name][0][0] for name in layer) for layer in layers]
    ends = [max(trace.last(name) for name in layer) for layer in layers]
    return all(end < begin for end, begin in zip(ends, begins[1:], strict=False))


def _end_of(trace: _Trace, stack: list[tuple[str, ...]]) -> int:
    return max(trace.last(name) for name in stack[-1])


def plain_inputs(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Two rows of different lengths; some models require an end token in each."""
    config = model.config.get_text_config()
    pad, end = (getattr(config, f"{name}_token_id", None) for name in ("pad", "eos"))
    end = end[0] if isinstance(end, (list, tuple)) else end
    ordinary = [each for each in range(4, 16) if each not in (pad, end)][:6]
    last = [end] if end is not None else [ordinary.pop()]
    rows = [ordinary[:5] + last, ordinary[:3] + last + [pad or 0] * 2]
    ids = torch.tensor(rows, device=model.device)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    return {"input_ids": ids, "attention_mask": mask}
