"""A model's predictions for the masked token of one text, as a check by eye."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.errors import ConfigError, Problem

BLANK = "[MASK]"
N_GUESSES = 5


@dataclass(frozen=True)
class Guess:
    """A predicted token for a text's masked position."""

    token: str
    probability: float


def probe_ids(text: str, tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> torch.Tensor:
    """[1, L] int64: the text's ids, with the tokenizer's own mask token for its one BLANK.

    ConfigError when the tokenizer has no mask token, or the text not exactly one BLANK within
    max_length tokens.
    """
    if tokenizer.mask_token is None:
        message = "its tokenizer has no mask token, which masked language modelling needs"
        raise ConfigError(Problem("model.name_or_path", message))
    masked = text.replace(BLANK, tokenizer.mask_token)
    ids: torch.Tensor = tokenizer(
        masked, truncation=True, max_length=max_length, return_tensors="pt"
    )["input_ids"]
    if int((ids == tokenizer.mask_token_id).sum()) != 1:
        message = f"{text!r} given; must have one {BLANK} within its first {max_length} tokens"
        raise ConfigError(Problem("adapt.probe", message))
    return ids


@torch.no_grad()
def fill_mask(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, ids: torch.Tensor
) -> tuple[Guess, ...]:
    """The likeliest tokens at the masked position of ids, top first; model is left in eval
    mode."""
    model.eval()
    logits = model(input_ids=ids.to(model.device)).logits.cpu()
    probabilities = logits[ids == tokenizer.mask_token_id][0].float().softmax(dim=-1)
    top = probabilities.topk(min(N_GUESSES, len(probabilities)))
    return tuple(
        Guess(tokenizer.decode([token]).strip(), probability)
        for probability, token in zip(top.values.tolist(), top.indices.tolist(), strict=True)
    )
