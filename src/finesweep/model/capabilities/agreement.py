"""Tokenizer, config and weights of a checkpoint, made to agree by running them once, or refused.

Each may come from another hand, and none knows the others: a config without the padding that its
tokenizer sets, a tokenizer with more tokens than there are embeddings, types of tokens for a model
that takes none. What a forward pass over a few short rows shows is true of all of them.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.errors import ConfigError, Problem, first_line
from finesweep.model.capabilities.anatomy import Inputs, dissect, quiet
from finesweep.model.capabilities.proof import close
from finesweep.model.capabilities.samples import Samples

ROWS = (13, 9, 4, 1), (5, 4, 1)
"""Tokens of the texts of a few rows, and of such as models of very short inputs take: unlike, so
that all but one are padded; odd and even, for models that halve a text; and the shortest."""
ROUNDING = 1e-4
"""Of the largest logit. What a model of random weights makes of padding may be little more: 2e-4 in
a tiny T5Gemma, 1e-3 in a ConvBERT, where rounding is 1e-6."""


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
    config.pad_token_id = pads[0]  # many read no rows of unlike length without one
    rows = _rows(model, samples, tokenizer.padding_side, name)
    shares = []
    for side in sides:
        for pad in pads:
            config.pad_token_id = pad
            share = _share_of_padding(model, samples, rows, side, name)
            if share == 0.0:
                inputs = samples.batch(rows, side=side)
                model.anatomy = dissect(model, inputs)
                _check_gradient(model, inputs, name)
                return Agreement(pad_token, side, columns)
            shares.append(share)
    config.pad_token_id = own
    message = (
        f"{name} cannot be used: {model.config.model_type} reads the padding beside a text too, so"
        " that its answer would depend on the other texts of a batch (it changed by"
        f" {min(shares):.2g} of its size)"
    )
    raise _refusal(message)


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


def _rows(model: PreTrainedModel, samples: Samples, side: str, name: str) -> tuple[int, ...]:
    """Tokens of rows' texts that the model reads; ConfigError when it reads none."""
    long, short = (partial(_logits, model, samples.batch(n, side=side), name) for n in ROWS)
    try:
        long()
    except ConfigError:
        short()
        return ROWS[1]
    return ROWS[0]


def _share_of_padding(
    model: PreTrainedModel, samples: Samples, rows: Sequence[int], side: str, name: str
) -> float:
    """By how much the logits of the first row that differs change with its padding, as a share of
    the largest; 0 when none does. ConfigError when the model does not answer as a classifier."""
    together = _logits(model, samples.batch(rows, side=side), name)
    largest = float(together.abs().max())
    if not math.isfinite(largest):
        raise _refusal(f"{name} answers with what is no finite number: its weights are broken")
    if not close(together, _logits(model, samples.batch(rows, side=side), name)):
        raise _refusal(f"{name} answers the same texts differently each time")
    for k, n in enumerate(rows):
        (alone,) = _logits(model, samples.batch([n], side=side), name)
        if not close(together[k], alone, scale=largest, rounding=ROUNDING):
            return float((together[k] - alone).abs().max()) / largest
    return 0.0


def _logits(model: PreTrainedModel, inputs: Inputs, name: str) -> torch.Tensor:
    """[N, C]; ConfigError when there are none."""
    logits: list[Any] = []

    def run() -> None:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), quiet(model):
            logits.append(model(**inputs).logits)

    n_rows, n_tokens = inputs["input_ids"].shape
    if (failure := _failure(run)) is not None:
        raise _refusal(f"{name} cannot read a text of {n_tokens} tokens: {failure}")
    wanted, shape = (n_rows, model.config.num_labels), tuple(getattr(logits[0], "shape", ()))
    if shape != wanted:
        kind = model.config.model_type
        message = f"{kind} answers with {shape or type(logits[0]).__name__}, not with {wanted}"
        raise _refusal(f"{name} is no classifier of texts: {message}")
    made: torch.Tensor = logits[0]
    return made


def _check_gradient(model: PreTrainedModel, inputs: Inputs, name: str) -> None:
    """ConfigError when the model cannot be trained on what it can read."""
    before = model.training

    def run() -> None:
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            trained = min((p for p in model.parameters() if p.requires_grad), key=torch.numel)
            total = model.train()(**inputs).logits.sum()
            torch.autograd.grad(total, [trained], allow_unused=True)

    failure = _failure(run)
    model.train(before)
    if failure is not None:
        raise _refusal(f"{name} cannot be trained on a text: {failure}")


def _failure(run: Callable[[], None]) -> str | None:
    """The first line of what run raises, but for mistakes that are told already."""
    try:
        run()
    except ConfigError:
        raise
    except Exception as error:  # an architecture may raise anything
        return f"{first_line(error)} ({type(error).__name__})"
    return None


def _refusal(message: str) -> ConfigError:
    return ConfigError(Problem("model.name_or_path", message))
