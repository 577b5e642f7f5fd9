"""Tokenizer, config and weights of a checkpoint, made to agree by running them once, or refused.

Each may come from another hand, and none knows the others: a config without the padding that its
tokenizer sets, a tokenizer with more tokens than there are embeddings, types of tokens for a model
that takes none, a longest input that no file states. What a forward pass over three short rows
shows is true of all of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.anatomy import Anatomy, Inputs, anatomy_of, dissect, quiet
from finesweep.model.capabilities.edges import TYPES, Edges, edges_of
from finesweep.model.capabilities.proof import close

LENGTHS = (9, 4, 1)
"""Tokens of three rows' texts: unlike, so that two are padded; odd and even, for models that halve
a text."""
WHOLE, FIRST_LAYER = 512, 2048
"""Tokens up to which a longest input is tried on the whole model, and on its first layer; beyond,
only what runs below the layers, where positions are looked up, is."""


@dataclass(frozen=True)
class Agreement:
    """What a tokenizer has to be told so that its model reads it as it was trained."""

    pad_token: str
    padding_side: str
    columns: tuple[str, ...]
    """Names of what the model takes of it."""

    def tell(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Changes the tokenizer, and what it will be saved with."""
        told = {
            "pad_token": self.pad_token,
            "padding_side": self.padding_side,
            "model_input_names": list(self.columns),
        }
        for name, value in told.items():
            if getattr(tokenizer, name) != value:
                setattr(tokenizer, name, value)
                # Only what it was made of is saved.
                tokenizer.init_kwargs[name] = value


def agree(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, name: str) -> Agreement:
    """How tokenizer and model, which is a classifier, go together; the model's config now says the
    same, and the model has its anatomy.

    ConfigError, in one sentence, when they do not.
    """
    _check_embeddings(model, tokenizer, name)
    pad_token = _pad_token(model, tokenizer, name)
    columns = _columns(model, tokenizer)
    config = model.config.get_text_config()
    if hasattr(config, "use_cache"):
        config.use_cache = False  # of generation: nobody reads what it would keep
    samples = Samples(tokenizer, columns, pad_id=tokenizer.convert_tokens_to_ids(pad_token))
    own = getattr(config, "pad_token_id", None)
    pads = [samples.pad_id] if own is None else list(dict.fromkeys([own, samples.pad_id]))
    sides = dict.fromkeys([tokenizer.padding_side, "right", "left"])
    differences = []
    for pad in pads:
        config.pad_token_id = pad
        for side in sides:
            difference = _padding_matters(model, samples, side, name)
            if difference is None:
                model.anatomy = _anatomy(model, samples, side)
                _check_gradient(model, samples, side, name)
                return Agreement(pad_token, side, columns)
            differences.append(difference)
    config.pad_token_id = own
    message = (
        f"the answers of {name} to a text change by {min(differences):.2g} with the padding beside"
        f" it ({model.config.model_type} reads padding too), so that they would depend on the batch"
    )
    raise _refusal(message)


def check_length(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, max_length: int, name: str
) -> None:
    """ConfigError unless the model takes max_length tokens."""
    columns = tuple(tokenizer.model_input_names)
    samples = Samples(tokenizer, columns, pad_id=tokenizer.pad_token_id)

    def takes(length: int) -> bool:
        return _failure(lambda: _run_up_to(model, samples.row(length), length)) is None

    if takes(max_length):
        return
    low, high = samples.n_edges, max_length
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if takes(middle) else (low, middle)
    message = f"{max_length} given; {name} takes at most {low} tokens"
    raise ConfigError(Problem("dataset.max_length", message))


class Samples:
    """Rows of ordinary tokens, in the tokenizer's frame."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, columns: Sequence[str], *, pad_id: int
    ) -> None:
        self.pad_id, self.pad_type = pad_id, tokenizer.pad_token_type_id
        self.edges: Edges = edges_of(tokenizer, n_texts=1)
        self.reads_types = TYPES in columns and self.edges.types is not None
        self.reads_mask = "attention_mask" in columns
        special = {*tokenizer.all_special_ids, pad_id}
        known = sorted(id_ for id_ in tokenizer.get_vocab().values() if id_ not in special)
        # Some at the beginning, and the last of all, which needs all embeddings there are.
        self.ids = [*known[:6], known[-1]] if known else [pad_id]
        self.n_edges = sum(map(len, self.edges.tokens))

    def row(self, length: int) -> dict[str, torch.Tensor]:
        """[1, length], of at least one token of text."""
        return self.batch([max(1, length - self.n_edges)], side="right")

    def batch(self, lengths: Sequence[int], *, side: str) -> dict[str, torch.Tensor]:
        """[B, longest] of texts of so many tokens."""
        before, behind = self.edges.tokens
        texts = [list(islice(cycle(self.ids), n)) for n in lengths]
        rows = [[*before, *text, *behind] for text in texts]
        width = max(map(len, rows))

        def padded(values: list[list[int]], value: int) -> torch.Tensor:
            paddings = [[value] * (width - len(each)) for each in values]
            pairs = zip(values, paddings, strict=True)
            both = [own + pad if side == "right" else pad + own for own, pad in pairs]
            return torch.tensor(both)

        made = {"input_ids": padded(rows, self.pad_id)}
        if self.reads_mask:
            made["attention_mask"] = padded([[1] * len(row) for row in rows], 0)
        if self.reads_types:
            assert self.edges.types is not None
            left, right = self.edges.types
            kinds = [[*left, *self.edges.text_types * len(text), *right] for text in texts]
            made[TYPES] = padded(kinds, self.pad_type)
        return made


def _check_embeddings(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str
) -> None:
    try:
        rows = model.get_input_embeddings().weight.shape[0]
    except (AttributeError, NotImplementedError):
        return  # CANINE reads characters
    highest = max(tokenizer.get_vocab().values())
    if highest >= rows:
        message = (
            f"the tokenizer of {name} numbers its tokens up to {highest}, its weights embed"
            f" {rows}: they are not of one checkpoint"
        )
        raise _refusal(message)


def _pad_token(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str) -> str:
    """The tokenizer's; where it has none its model's, or as usual the end of a text."""
    if tokenizer.pad_token is not None:
        return str(tokenizer.pad_token)
    own = getattr(model.config.get_text_config(), "pad_token_id", None)
    if isinstance(own, int) and 0 <= own < len(tokenizer):
        return str(tokenizer.convert_ids_to_tokens(own))
    if tokenizer.eos_token is not None:
        return str(tokenizer.eos_token)
    message = (
        f"{name} has no padding token, and no end token to take its place: set"
        " tokenizer.pad_token and save the tokenizer again"
    )
    raise _refusal(message)


def _columns(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """What the tokenizer makes and the model's forward names; a mask always."""
    taken = inspect.signature(model.forward).parameters
    names = (*tokenizer.model_input_names, "attention_mask")
    return tuple(dict.fromkeys(each for each in names if each in taken))


def _padding_matters(
    model: PreTrainedModel, samples: Samples, side: str, name: str
) -> float | None:
    """By how much logits change with the padding; None when they do not. ConfigError when the model
    does not run, or answers otherwise than a classifier."""
    batch = samples.batch(LENGTHS, side=side)
    together = _logits(model, batch, name)
    alone = [_logits(model, samples.batch([n], side=side), name) for n in LENGTHS]
    if not close(alone[0], _logits(model, samples.batch(LENGTHS[:1], side=side), name)):
        raise _refusal(f"{name} answers the same text differently each time")
    apart = torch.cat(alone)
    return None if close(together, apart) else float((together - apart).abs().max())


def _logits(model: PreTrainedModel, inputs: Inputs, name: str) -> torch.Tensor:
    """[N, C]; ConfigError when there are none."""
    logits: list[Any] = []

    def run() -> None:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), quiet(model):
            logits.append(model(**inputs).logits)

    if (failure := _failure(run)) is not None:
        raise _refusal(f"{name} cannot read a text: {failure}")
    wanted = (len(inputs["input_ids"]), model.config.num_labels)
    shape = tuple(getattr(logits[0], "shape", ()))
    if shape != wanted:
        kind = model.config.model_type
        message = f"{kind} answers with {shape or type(logits[0]).__name__}, not with {wanted}"
        raise _refusal(f"{name} is no classifier of texts: {message}")
    made: torch.Tensor = logits[0]
    return made


def _check_gradient(model: PreTrainedModel, samples: Samples, side: str, name: str) -> None:
    """ConfigError when the model cannot be trained on what it can read."""
    inputs, before = samples.batch(LENGTHS, side=side), model.training

    def run() -> None:
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            trained = min((p for p in model.parameters() if p.requires_grad), key=torch.numel)
            total = model.train()(**inputs).logits.sum()
            torch.autograd.grad(total, [trained], allow_unused=True)

    failure = _failure(run)
    model.train(before)
    if failure is not None:
        raise _refusal(f"{name} cannot be trained on a text: {failure}")


def _anatomy(model: PreTrainedModel, samples: Samples, side: str) -> Anatomy:
    return dissect(model, samples.batch(LENGTHS, side=side))


def _run_up_to(model: PreTrainedModel, inputs: Inputs, length: int) -> None:
    """Runs as much of the model as says whether it takes so many tokens."""
    layers, hook = anatomy_of(model).layers, None

    def stop(*_: Any) -> None:
        raise _EnoughError

    if layers and length > WHOLE:
        module = model.get_submodule(layers[0][-1 if length <= FIRST_LAYER else 0])
        past = length <= FIRST_LAYER
        hook = (
            module.register_forward_hook(stop) if past else module.register_forward_pre_hook(stop)
        )
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), quiet(model):
            model(**inputs)
    except _EnoughError:
        pass
    finally:
        if hook is not None:
            hook.remove()


def _failure(run: Callable[[], None]) -> str | None:
    """The first line of what run raises, but for mistakes that are told already."""
    try:
        run()
    except ConfigError:
        raise
    except Exception as error:  # an architecture may raise anything
        lines: Iterator[str] = (line for line in str(error).splitlines() if line.strip())
        return f"{next(lines, '').strip()} ({type(error).__name__})"
    return None


def _refusal(message: str) -> ConfigError:
    return ConfigError(Problem("model.name_or_path", message))


class _EnoughError(Exception):
    """What was to be seen has been seen."""
