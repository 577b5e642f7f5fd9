"""What a model is built of, found by running it once: its layers, and what stands below each.

Names say little: FlauBERT keeps the parts of a layer in four lists, BART has two stacks, ALBERT
runs one layer again and again. What runs when says it for all of them.
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
    """Names of a model's parts; levels count layers, and level k is the end of the k-th."""

    layers: tuple[tuple[str, ...], ...]
    """Of each layer the modules that run one after another; lowest first. One for all where layers
    share their weights."""
    n_shared: int
    """How often a model that shares its layers' weights runs them; 0 for others."""
    levels: Mapping[str, int]
    """Parameter → the level at which it has been used; one more than there are layers for what is
    used behind the last, and for what is not used at all."""
    ends: Mapping[str, int]
    """The same of modules: the level at which they have run for the last time."""
    calls: Mapping[str, int]
    """Module → how often it runs."""
    states: Mapping[str, Any]
    """Module → what it returns without its tensors, where the first of these is states
    [B, L, H]."""
    widths: Mapping[str, int]
    """The same modules → H."""

    def below(self, depth: int) -> Iterator[str]:
        """The parameters that are frozen at a depth; none at 0."""
        return (name for name, level in self.levels.items() if depth and level <= depth)

    def exit(self, depth: int) -> str:
        """The module whose end is that of the depth-th layer."""
        return self.layers[depth - 1][-1]


def anatomy_of(model: PreTrainedModel) -> Anatomy:
    """The anatomy that was found when the model was loaded; else it is run here, on tokens of its
    config's own."""
    if not isinstance(known := getattr(model, "anatomy", None), Anatomy):
        model.anatomy = known = dissect(model, _plain_inputs(model))
    return known


def dissect(model: PreTrainedModel, inputs: Inputs) -> Anatomy:
    """What runs when in one forward pass over a few rows; raises what the model raises."""
    trace = _Trace(model, tuple(inputs["input_ids"].shape))
    with trace.watching(), torch.no_grad(), torch.random.fork_rng(devices=[]), quiet(model):
        model(**inputs)
    stacks = _stacks(model, trace)
    n_shared = 0
    if any(len(trace.calls[name]) > 1 for stack in stacks for (name, *_) in stack):
        n_shared = sum(len(trace.calls[names[0]]) for stack in stacks for names in stack)
        stacks = [[tuple(name for stack in stacks for names in stack for name in names)]]
    layers = tuple(names for stack in stacks for names in stack)
    over = [max(trace.last(name) for name in names) for names in layers]

    def level(moment: float) -> int:
        return sum(end < moment for end in over) + 1

    unused = float("inf")
    return Anatomy(
        layers=layers,
        n_shared=n_shared,
        levels={n: level(trace.used.get(n, unused)) for n, _ in model.named_parameters()},
        ends={name: level(trace.last(name) - 0.5) for name in trace.calls},
        calls={name: len(spans) for name, spans in trace.calls.items()},
        states=trace.states,
        widths=trace.widths,
    )


@contextmanager
def quiet(model: nn.Module) -> Iterator[None]:
    """Within it every module is in eval mode; each then has its own mode again."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


@dataclass(eq=False)
class _Trace(TorchFunctionMode):
    """Moments, counted from 0, at which modules begin and end and parameters are first used."""

    model: nn.Module
    shape: tuple[int, ...]
    """[B, L] of the inputs."""
    now: int = 0
    calls: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    used: dict[str, int] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)
    fed: set[str] = field(default_factory=set)
    """Modules that take states, as layers do, and lists of embeddings do not."""

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
        given = (*args, *(kwargs or {}).values())
        nested = (each for value in given if isinstance(value, (list, tuple)) for each in value)
        for value in (*given, *nested):
            if (name := self._names.get(id(value))) is not None:
                self.used.setdefault(name, self._tick())
        return func(*args, **(kwargs or {}))

    def _tick(self) -> int:
        self.now += 1
        return self.now

    def _begin(self, name: str, module: nn.Module, given: Any, named: Any) -> None:
        self._open[name].append(self._tick())
        if any(_is_float(each) and each.ndim > 2 for each in (*given, *named.values())):
            self.fed.add(name)

    def _end(self, name: str, module: nn.Module, _: Any, __: Any, output: Any) -> None:
        began = self._open[name].pop()
        for own, parameter in module.named_parameters(recurse=False):
            # What torch uses out of Python's sight was used when its module began.
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
        """[B, L, H], alone or the first of a tuple."""
        first = output[0] if type(output) in (tuple, list) and output else output
        return _is_float(first) and first.ndim == 3 and tuple(first.shape[:2]) == self.shape


def _is_float(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _emptied(output: Any) -> Any:
    """output without its tensors: None, or a tuple or list with None in their places."""
    if isinstance(output, torch.Tensor):
        return None
    return type(output)([None if isinstance(each, torch.Tensor) else each for each in output])


def _stacks(model: PreTrainedModel, trace: _Trace) -> list[list[tuple[str, ...]]]:
    """Lists of layers in the order in which they run; parts of one layer are put together."""
    base = model.base_model
    stem = next(name for name, module in model.named_modules() if module is base)
    lists = [
        names
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList)
        and name.startswith(f"{stem}." if stem else "")
        and (names := [f"{name}.{child}" for child, _ in module.named_children()])
        and _runs_in_order(trace, names)
    ]
    lists.sort(key=lambda names: trace.calls[names[0]][0][0])
    outer = [own for own in lists if not any(_is_within(own, other) for other in lists)]
    stacks: list[list[tuple[str, ...]]] = []
    for names in outer:
        if stacks and _interleaved(trace, stacks[-1], names):
            stacks[-1] = [(*held, name) for held, name in zip(stacks[-1], names, strict=True)]
        elif not stacks or _over(trace, stacks[-1]) < trace.calls[names[0]][0][0]:
            stacks.append([(name,) for name in names])
    return [[tuple(sorted(held, key=trace.last)) for held in stack] for stack in stacks]


def _runs_in_order(trace: _Trace, names: list[str]) -> bool:
    """Whether all of a list run on states, and each ends before the next begins."""
    if not all(trace.calls.get(name) and name in trace.fed for name in names):
        return False
    firsts = [trace.calls[name][0] for name in names]
    return all(one[1] < other[0] for one, other in pairwise(firsts))


def _is_within(names: list[str], other: list[str]) -> bool:
    return any(names[0].startswith(f"{each}.") for each in other)


def _interleaved(trace: _Trace, stack: list[tuple[str, ...]], names: list[str]) -> bool:
    """Whether the k-th of names runs before anything of layer k + 1 does; of single layers those of
    one class follow one another, as do the blocks of a funnel."""
    if len(stack) != len(names):
        return False
    kinds = [{type(trace.model.get_submodule(name)) for name in each} for each in (stack[0], names)]
    if len(names) == 1 and not kinds[0].isdisjoint(kinds[1]):
        return False
    layers = [(*held, name) for held, name in zip(stack, names, strict=True)]
    begins = [min(trace.calls[name][0][0] for name in layer) for layer in layers]
    ends = [max(trace.last(name) for name in layer) for layer in layers]
    return all(end < begin for end, begin in zip(ends, begins[1:], strict=False))


def _over(trace: _Trace, stack: list[tuple[str, ...]]) -> int:
    return max(trace.last(name) for name in stack[-1])


def _plain_inputs(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Two rows of unlike length; some models ask for an end token in each."""
    config = model.config.get_text_config()
    pad, end = (getattr(config, f"{name}_token_id", None) for name in ("pad", "eos"))
    end = end[0] if isinstance(end, (list, tuple)) else end
    known = [each for each in range(4, 16) if each not in (pad, end)][:6]
    last = [end] if end is not None else [known.pop()]
    rows = [known[:5] + last, known[:3] + last + [pad or 0] * 2]
    ids = torch.tensor(rows, device=model.device)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    return {"input_ids": ids, "attention_mask": mask}
