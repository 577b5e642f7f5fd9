"""What a model sets in the masked place of one text: a look at what it knows of language."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.errors import ConfigError, Problem
from finesweep.records import Guess

BLANK = "[MASK]"
N_GUESSES = 5


def probe_ids(text: str, tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> torch.Tensor:
    """[1, L] int64: a text with one BLANK, which becomes the tokenizer's own mask token.

    ConfigError when the tokenizer has none, or the text not exactly one within max_length.
    """
    if tokenizer.mask_token is None:
        message = "its tokenizer has no mask token, so that nothing can be guessed"
        raise ConfigError(Problem("model.name_or_path", message))
    masked = text.replace(BLANK, tokenizer.mask_token)
    ids: torch.Tensor = tokenizer(
        masked, truncation=True, max_length=max_length, return_tensors="pt"
    )["input_ids"]
    if int((ids == tokenizer.mask_token_id).sum()) != 1:
        message = f"{text!r} given; must hold one {BLANK} within its first {max_length} tokens"
        raise ConfigError(Problem("adapt.probe", message))
    return ids


@torch.no_grad()
def fill_mask(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, ids: torch.Tensor
) -> tuple[Guess, ...]:
    """The likeliest tokens for the masked place of ids, the best first; model is left in eval
    mode."""
    model.eval()
    logits = model(input_ids=ids.to(model.device)).logits.cpu()
    shares = logits[ids == tokenizer.mask_token_id][0].float().softmax(dim=-1)
    best = shares.topk(min(N_GUESSES, len(shares)))
    return tuple(
        Guess(tokenizer.decode([token]).strip(), share)
        for share, token in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    )
