"""Tokenizer, config and weights of a checkpoint, made to match by running them, or refused.

They may come from different sources and contradict each other: a config without the tokenizer's
padding token, a tokenizer with more tokens than there are embeddings, token types for a model that
takes none. A forward pass over a few short rows shows how they behave together.
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
"""Lengths in tokens of a few texts, and shorter ones for models with very short inputs. They
differ, so that all but one are padded; they are odd and even, for models that halve a text."""
ROUNDING = 1e-4
"""Tolerance relative to the largest logit. With random weights padding may change logits little
more: by 2e-4 in a tiny T5Gemma, by 1e-3 in a ConvBERT, where rounding is 1e-6."""


@dataclass(frozen=True)
class Agreement:
    """Settings with which a tokenizer fits its model."""

    pad_token: str
    padding_side: str
    columns: tuple[str, ...]
    """Names of the inputs that the model takes from it."""

    def apply(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Changes the tokenizer, and the settings that are saved with it."""
        settings = {
            "pad_token": self.pad_token,
            "padding_side": self.padding_side,
            "model_input_names": list(self.columns),
        }
        for name, value in settings.items():
            if getattr(tokenizer, name) != value:
                setattr(tokenizer, name, value)
                # Only its init_kwargs are saved.
                tokenizer.init_kwargs[name] = value


def agree(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, name: str) -> Agreement:
    """The settings with which tokenizer and model, a classifier, work together; the model's config
    is changed to match, and the model gets its anatomy.

    ConfigError when there are none.
    """
    _check_embeddings(model, tokenizer, name)
    pad_token = _pad_token(model, tokenizer, name)
    columns = _columns(model, tokenizer)
    config = model.config.get_text_config()
    if hasattr(config, "use_cache"):
        config.use_cache = False  # it is for generation
    samples = Samples(tokenizer, columns, pad_id=tokenizer.convert_tokens_to_ids(pad_token))
    own = getattr(config, "pad_token_id", None)
    pads = [samples.pad_id] if own is None else list(dict.fromkeys([own, samples.pad_id]))
    sides = dict.fromkeys([tokenizer.padding_side, "right", "left"])
    config.pad_token_id = pads[0]  # many need one to read rows of different lengths
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
        f"{name} cannot be used: {model.config.model_type} also reads the padding, so that its"
        " predictions would depend on the other texts of a batch (logits changed by"
        f" {min(shares):.2g} of the largest)"
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
            f"the tokenizer of {name} has token ids up to {highest}, but its weights have {rows}"
            " embeddings: they are from different checkpoints"
        )
        raise _refusal(message)


def _pad_token(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str) -> str:
    """The tokenizer's padding token; else its model's, else the end-of-text token."""
    if tokenizer.pad_token is not None:
        return str(tokenizer.pad_token)
    own = getattr(model.config.get_text_config(), "pad_token_id", None)
    if isinstance(own, int) and 0 <= own < len(tokenizer):
        return str(tokenizer.convert_ids_to_tokens(own))
    if tokenizer.eos_token is not None:
        return str(tokenizer.eos_token)
    message = (
        f"{name} has neither a padding token nor an end token to replace it: set"
        " tokenizer.pad_token and save the tokenizer again"
    )
    raise _refusal(message)


def _columns(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """The tokenizer's outputs that the model's forward names; always with a mask."""
    parameters = inspect.signature(model.forward).parameters
    names = (*tokenizer.model_input_names, "attention_mask")
    return tuple(dict.fromkeys(each for each in names if each in parameters))


def _rows(model: PreTrainedModel, samples: Samples, side: str, name: str) -> tuple[int, ...]:
    """The text lengths of ROWS that the model supports; ConfigError when it supports none."""
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
    """How much padding changes a row's logits, relative to the largest logit, for the first row
    where it does; 0 for none. ConfigError when the model does not work as a classifier."""
    together = _logits(model, samples.batch(rows, side=side), name)
    largest = float(together.abs().max())
    if not math.isfinite(largest):
        raise _refusal(f"{name} has logits that are not finite: its weights are broken")
    if not close(together, _logits(model, samples.batch(rows, side=side), name)):
        raise _refusal(f"{name} has different logits for the same texts each time")
    for k, n in enumerate(rows):
        (alone,) = _logits(model, samples.batch([n], side=side), name)
        if not close(together[k], alone, scale=largest, rounding=ROUNDING):
            return float((together[k] - alone).abs().max()) / largest
    return 0.0


def _logits(model: PreTrainedModel, inputs: Inputs, name: str) -> torch.Tensor:
    """Logits [N, C]; ConfigError when the model returns none."""
    logits: list[Any] = []

    def run() -> None:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), quiet(model):
            logits.append(model(**inputs).logits)

    n_rows, n_tokens = inputs["input_ids"].shape
    if (failure := _failure(run)) is not None:
        raise _refusal(f"{name} cannot read a text of {n_tokens} tokens: {failure}")
    expected, shape = (n_rows, model.config.num_labels), tuple(getattr(logits[0], "shape", ()))
    if shape != expected:
        kind = model.config.model_type
        message = f"{kind} returns {shape or type(logits[0]).__name__}, not {expected}"
        raise _refusal(f"{name} is not a text classifier: {message}")
    tensor: torch.Tensor = logits[0]
    return tensor


def _check_gradient(model: PreTrainedModel, inputs: Inputs, name: str) -> None:
    """ConfigError when the model cannot be trained on inputs that it can read."""
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
    """The first line of what run raises; ConfigErrors pass through."""
    try:
        run()
    except ConfigError:
        raise
    except Exception as error:  # an architecture may raise anything
        return f"{first_line(error)} ({type(error).__name__})"
    return None


def _refusal(message: str) -> ConfigError:
    return ConfigError(Problem("model.name_or_path", message))
