"""Texts concatenated and cut into chunks."""

from __future__ import annotations

import datasets
import numpy as np
import pytest

from finesweep.records import Tokens
from finesweep.training import InputTemplate, make_chunks

CLS, SEP = 101, 102


@pytest.fixture
def template(tokens: Tokens) -> InputTemplate:
    """BERT's template, with room for 14 tokens between [CLS] and [SEP]."""
    return InputTemplate(tokens.tokenizer, max_length=16)


def split_of(*texts: list[int]) -> datasets.Dataset:
    features = datasets.Features({"input_ids": datasets.List(datasets.Value("int32"))})
    return datasets.Dataset.from_dict({"input_ids": list(texts)}, features=features)


def test_every_token_is_there_once_and_in_order_with_a_separator_between_texts(
    tokens: Tokens, template: InputTemplate
) -> None:
    made = make_chunks(tokens.train, template)
    texts = tokens.train["input_ids"]
    expected = [token for text in texts for token in [*text, SEP]][:-1]
    assert np.concatenate([row[1:-1] for row in made.rows]).tolist() == expected
    assert (made.n_texts, made.n_tokens) == (len(texts), sum(map(len, texts)))


def test_every_chunk_begins_and_ends_with_the_special_tokens_and_only_the_last_is_short(
    tokens: Tokens, template: InputTemplate
) -> None:
    rows = make_chunks(tokens.train, template).rows
    assert {(row[0], row[-1]) for row in rows} == {(CLS, SEP)}
    assert {len(row) for row in rows[:-1]} == {16}
    assert 2 < len(rows[-1]) <= 16


@pytest.mark.parametrize(
    ("texts", "bodies"),
    [
        ([[5]], [[5]]),
        ([[5, 6], [7]], [[5, 6, SEP, 7]]),
        ([list(range(200, 214))], [list(range(200, 214))]),
        ([list(range(200, 215))], [list(range(200, 214)), [214]]),
        ([[5], [], [6]], [[5, SEP, SEP, 6]]),
    ],
    ids=["one", "two", "exactly full", "one too many", "an empty one"],
)
def test_a_cut_falls_wherever_a_chunk_is_full(
    template: InputTemplate, texts: list[list[int]], bodies: list[list[int]]
) -> None:
    rows = make_chunks(split_of(*texts), template).rows
    assert [row.tolist() for row in rows] == [[CLS, *body, SEP] for body in bodies]


def test_both_texts_of_each_pair_are_texts_that_follow_one_another(
    pair_tokens: Tokens, template: InputTemplate
) -> None:
    made = make_chunks(pair_tokens.train, template)
    columns = pair_tokens.train["input_ids"], pair_tokens.train["pair_ids"]
    texts = [text for pair in zip(*columns, strict=True) for text in pair]
    expected = [token for text in texts for token in [*text, SEP]][:-1]
    assert np.concatenate([row[1:-1] for row in made.rows]).tolist() == expected
    assert (made.n_texts, made.n_tokens) == (2 * 96, sum(map(len, texts)))
