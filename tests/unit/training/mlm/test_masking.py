"""Which tokens are masked, and the loss over them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerBase

from finesweep.errors import ConfigError
from finesweep.records import Tokens
from finesweep.training.mlm.chunks import Chunks
from finesweep.training.mlm.masking import (
    IGNORED,
    collator,
    masked_loss,
    masked_rows,
    unmasked_rows,
)

CLS, SEP, MASK, WORD = 101, 102, 103, 2003
ROW = np.array([CLS, *[WORD] * 60, SEP, *[WORD] * 65, SEP], dtype=np.int32)
MANY = Chunks((ROW,) * 400, n_texts=401, n_tokens=400 * 125)


@pytest.fixture
def tokenizer(tokens: Tokens) -> PreTrainedTokenizerBase:
    return tokens.tokenizer


def test_of_the_share_to_be_guessed_eighty_ten_and_ten_percent_are_masked_replaced_and_left(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    torch.manual_seed(0)
    batch = collator(tokenizer, 0.15)(unmasked_rows(MANY))
    chosen = batch["labels"] != IGNORED
    assert set(batch["labels"][chosen].tolist()) == {WORD}
    assert chosen.sum().item() / MANY.n_tokens == pytest.approx(0.15, abs=0.01)
    shown = batch["input_ids"][chosen]
    shares = [(shown == token).float().mean().item() for token in (MASK, WORD)]
    assert shares == pytest.approx([0.8, 0.1], abs=0.02)


def test_special_tokens_are_never_to_be_guessed(tokenizer: PreTrainedTokenizerBase) -> None:
    batch = collator(tokenizer, 0.99)(unmasked_rows(MANY))
    special = torch.from_numpy(np.isin(ROW, [CLS, SEP])).expand(batch["labels"].shape)
    assert (batch["labels"][special] == IGNORED).all()
    assert set(batch["input_ids"][special].tolist()) == {CLS, SEP}


def test_each_batch_of_training_draws_its_own(tokenizer: PreTrainedTokenizerBase) -> None:
    collate = collator(tokenizer, 0.15)
    first, second = (collate(unmasked_rows(MANY))["labels"] for _ in range(2))
    assert not torch.equal(first, second)


def test_what_is_measured_on_is_the_same_for_every_run_and_batch_size(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    short = Chunks((*MANY.rows[:3], ROW[:5]), n_texts=4, n_tokens=380)
    torch.manual_seed(1)
    once = masked_rows(short, tokenizer, share=0.3)
    torch.manual_seed(2)
    again = masked_rows(short, tokenizer, share=0.3)
    assert [len(row["input_ids"]) for row in once] == [128] * 4
    collate = collator(tokenizer, 0.3)
    whole = collate(once)
    parts = [collate(again[:2]), collate(again[2:])]
    for name, values in whole.items():
        assert torch.equal(values, torch.cat([part[name] for part in parts]))
    assert whole["attention_mask"].sum(dim=1).tolist() == [128, 128, 128, 5]


def test_a_split_in_which_nothing_is_to_be_guessed_cannot_be_measured_on(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    tiny = Chunks((ROW[[0, 1, -1]],), n_texts=1, n_tokens=1)
    with pytest.raises(ConfigError, match=r"dataset\.validation_size: its 1 tokens are too few"):
        masked_rows(tiny, tokenizer, share=0.01)


@pytest.mark.parametrize("alone", [False, True], ids=["all logits", "logits of masked tokens"])
def test_the_loss_is_the_mean_over_masked_tokens(alone: bool) -> None:
    labels = torch.tensor([[IGNORED, 3, 1], [0, IGNORED, IGNORED]])
    logits = torch.randn(2, 3, 5, requires_grad=True)
    given = logits[labels != IGNORED] if alone else logits
    loss = masked_loss(SimpleNamespace(logits=given), labels)
    expected = cross_entropy(logits.view(-1, 5), labels.view(-1), ignore_index=IGNORED)
    assert loss.item() == pytest.approx(expected.item())


def test_a_batch_without_a_masked_token_teaches_nothing_instead_of_nan() -> None:
    logits = torch.randn(1, 3, 5, requires_grad=True)
    labels = torch.full((1, 3), IGNORED)
    loss = masked_loss(SimpleNamespace(logits=logits), labels, torch.tensor(0))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()
