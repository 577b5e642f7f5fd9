"""A model's predictions for a text's masked token."""

from __future__ import annotations

import re

import pytest
import torch
from tests.tiny_bert import tiny_config
from transformers import BertForMaskedLM

from finesweep.errors import ConfigError
from finesweep.records import Tokens
from finesweep.training import fill_mask, probe_ids

GREAT, DULL = 2307, 10634


def test_the_likeliest_tokens_come_first_with_their_probabilities(tokens: Tokens) -> None:
    model = BertForMaskedLM(tiny_config(num_hidden_layers=1))
    with torch.no_grad():
        model.cls.predictions.decoder.weight.zero_()
        model.cls.predictions.decoder.bias.fill_(-100)
        model.cls.predictions.decoder.bias[[GREAT, DULL]] = torch.tensor([2.0, 1.0])
    ids = probe_ids("a [MASK] day", tokens.tokenizer, max_length=16)
    first, second, *_ = fill_mask(model, tokens.tokenizer, ids)
    assert (first.token, second.token) == ("great", "dull")
    assert first.probability == pytest.approx(torch.tensor(1.0).sigmoid().item())
    assert first.probability + second.probability == pytest.approx(1)


def test_the_tokenizers_own_mask_token_takes_the_place(tokens: Tokens) -> None:
    ids = probe_ids("a [MASK] day", tokens.tokenizer, max_length=16)
    assert ids.tolist() == [[101, 1037, tokens.tokenizer.mask_token_id, 2154, 102]]


@pytest.mark.parametrize("text", ["a day", "[MASK] and [MASK]", "day " * 20 + "[MASK]"])
def test_a_text_without_exactly_one_blank_within_reach_is_refused(
    tokens: Tokens, text: str
) -> None:
    told = f"adapt.probe: {text!r} given; must have one [MASK] within its first 16 tokens"
    with pytest.raises(ConfigError, match=re.escape(told)):
        probe_ids(text, tokens.tokenizer, max_length=16)
