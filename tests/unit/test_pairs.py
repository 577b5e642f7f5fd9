"""A pair is one text for whoever only looks at it, and two texts again for a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finesweep.pairs import (
    MARK,
    PAIR,
    columns_of,
    join_pair,
    join_pair_or_none,
    mark_problem,
    split_pair,
)

TEXT = st.text(st.characters(exclude_characters=MARK, exclude_categories=["Cs"]))


@given(TEXT, TEXT)
def test_what_was_joined_comes_apart_as_it_was(first: str, second: str) -> None:
    assert split_pair(join_pair(first, second)) == (first, second)


@pytest.mark.parametrize("text", ["", "one text", f"a{MARK}b", f"a{PAIR}b{PAIR}c", f"{MARK}{PAIR}"])
def test_a_text_that_is_no_pair_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is not a pair of texts"):
        split_pair(text)


def test_a_side_is_any_text_that_lacks_the_mark() -> None:
    told = f"contains '{MARK}', the character that separates the texts of a pair"
    assert [mark_problem(text) for text in ("a day", " \t", f"a{MARK}")] == [None, None, told]


@pytest.mark.parametrize("side", ["", " \t", "\n"])
def test_a_pair_with_a_blank_side_is_none(side: str) -> None:
    assert (join_pair_or_none("a", side), join_pair_or_none(side, "a")) == (None, None)
    assert join_pair_or_none("a", "b") == join_pair("a", "b")


def test_a_tokenizer_takes_single_texts_in_one_column_and_pairs_in_two() -> None:
    texts = [join_pair("a", "b"), join_pair("c", "d")]
    assert columns_of(texts, pairs=True) == [["a", "c"], ["b", "d"]]
    assert columns_of(texts, pairs=False) == [texts]
