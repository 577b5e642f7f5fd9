"""Each kind of error is recognised by its sign, and a text may have several."""

from __future__ import annotations

import pytest

from finesweep.stats.error_kinds import KINDS, kinds_of_error

CASES = [
    ("I did not like it", ("negation",)),
    ("it wasn’t any good", ("negation",)),
    ("they do n't know how", ("negation",)),
    ("Fine music, BUT a dull plot", ("mixed",)),
    ("a notable different paint", ("unclear",)),
    ("never boring, although long", ("mixed", "negation")),
]


@pytest.mark.parametrize(("text", "kinds"), CASES, ids=[text for text, _ in CASES])
def test_words_determine_the_kind(text: str, kinds: tuple[str, ...]) -> None:
    assert kinds_of_error(text, margin=0.9, is_cut=False) == kinds


def test_length_and_margin_come_before_words() -> None:
    kinds = kinds_of_error("not good, but fine", margin=0.1, is_cut=True)
    assert kinds == ("long", "low confidence", "mixed", "negation")
    assert set(kinds) < set(KINDS)


def test_a_margin_of_a_fifth_is_confident() -> None:
    assert kinds_of_error("plain", margin=0.2, is_cut=False) == ("unclear",)
    assert kinds_of_error("plain", margin=0.19, is_cut=False) == ("low confidence",)


def test_unclear_errors_do_not_claim_to_cover_other_languages() -> None:
    assert kinds_of_error("一点也不好", margin=0.9, is_cut=False) == ("unclear",)
    assert "English word" in KINDS["unclear"]
