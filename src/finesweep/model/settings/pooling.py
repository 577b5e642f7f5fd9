"""The sentence vector that a model's head reads: the first token's, or the mean of all tokens'.

The encoder's output is replaced at every token by the sentence vector, so that any head, whichever
token it takes, reads this one. The choice is part of the model's config: finesweep applies it
wherever it loads the model; Transformers alone would ignore it.
"""

from __future__ import annotations

import inspect
import threading
from functools import partial
from typing import Any

import torch
from transformers import PreTrainedModel

from finesweep.errors import ConfigError, Problem
from finesweep.model.capabilities.anatomy import anatomy_of, plain_inputs, quiet
from finesweep.model.capabilities.proof import close

KEY = "finesweep_pooling"
"""Key in config.json: the choice, and the module whose output is the encoder's."""
_running = threading.local()
"""The attention mask of the running forward pass, per thread."""


def set_pooling(model: PreTrainedModel, pooling: str, *, name: str) -> None:
    """Makes the head read `cls`, the first token's state, or `mean`, the mean of the states of all
    tokens, special ones included and padding not (Reimers and Gurevych 2019,
    https://arxiv.org/abs/1908.10084); recorded in the config.

    ConfigError when the model, called name in the message, cannot be given another vector, or when
    this vector has not read the text.
    """
    anatomy, kind = anatomy_of(model), model.config.model_type
    module = anatomy.output
    why = ""
    if model.config.is_encoder_decoder:
        why = f"{kind} has a decoder"
    elif module is None or _place_of_mask(model) is None:
        why = f"{kind} returns no state per token, or takes no attention mask"
    elif anatomy.calls[module] > 1:
        why = f"{kind} runs its last layer {anatomy.calls[module]} times"
    else:
        setattr(model.config, KEY, {"pooling": pooling, "module": module})
        apply_pooling(model)
        if not _reads_text(model):
            why = "its first token reads no other"
    if why:
        message = f"{pooling} given; {name} cannot be pooled so: {why}; use null"
        raise ConfigError(Problem("model.pooling", message))


def apply_pooling(model: PreTrainedModel) -> None:
    """Pools as the model's config says, if it says so; again does nothing."""
    recorded = getattr(model.config, KEY, None)
    if recorded is None or getattr(model, "is_pooled", False):
        return
    model.is_pooled = True
    keep_mask = partial(_keep_mask, _place_of_mask(model))
    model.register_forward_pre_hook(keep_mask, with_kwargs=True)
    module = model.get_submodule(recorded["module"])
    module.register_forward_hook(partial(_replace_states, recorded["pooling"]))


def pooling_of(model: PreTrainedModel) -> str | None:
    """`cls` or `mean`; None for the architecture's own."""
    recorded = getattr(model.config, KEY, None)
    return None if recorded is None else str(recorded["pooling"])


def sentence_vectors(
    states: torch.Tensor, mask: torch.Tensor | None, *, pooling: str
) -> torch.Tensor:
    """[B, H] in the dtype of states [B, L, H], which may be padded on either side, as mask [B, L]
    of 0 and 1 tells; without a mask all are tokens. ValueError when their lengths differ."""
    if mask is None:
        mask = torch.ones(states.shape[:2], device=states.device)
    if pooling == "cls":
        first = mask.to(torch.int32).argmax(dim=1)  # the first of equal values
        return states[torch.arange(len(states), device=states.device), first]
    if mask.shape != states.shape[:2]:
        raise ValueError(f"a mask of {tuple(mask.shape)} for states of {tuple(states.shape)}")
    weights = mask.to(torch.float32)[:, :, None]
    mean = (states.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)
    return mean.to(states.dtype)


def _place_of_mask(model: PreTrainedModel) -> int | None:
    """The position of the attention mask among the arguments of forward; None without one."""
    parameters = list(inspect.signature(type(model).forward).parameters)[1:]  # without self
    return parameters.index("attention_mask") if "attention_mask" in parameters else None


def _keep_mask(
    place: int | None, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    given = args[place] if place is not None and len(args) > place else None
    _running.mask = kwargs.get("attention_mask", given)


def _replace_states(pooling: str, module: Any, inputs: Any, output: Any) -> Any:
    """The module's output with the sentence vector as the state of every token."""
    states = output if isinstance(output, torch.Tensor) else output[0]
    vectors = sentence_vectors(states, _running.mask, pooling=pooling)
    pooled = vectors[:, None].expand_as(states)
    if isinstance(output, torch.Tensor):
        return pooled
    return type(output)([pooled, *output[1:]])


def _reads_text(model: PreTrainedModel) -> bool:
    """Whether the logits depend on a token other than the first and the last."""
    inputs = {key: each[:1] for key, each in plain_inputs(model).items()}
    other = inputs | {"input_ids": inputs["input_ids"].clone()}
    other["input_ids"][0, 1] = other["input_ids"][0, 2]
    with torch.no_grad(), torch.random.fork_rng(devices=[]), quiet(model):
        return not close(model(**inputs).logits, model(**other).logits, rounding=1e-6)
