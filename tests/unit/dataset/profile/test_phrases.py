"""Phrases are counted by class, within texts, without stop words."""

from __future__ import annotations

import numpy as np

from finesweep.dataset.profile.phrases import Phrase, top_phrases

STOP = {"the", "of", "a"}


def tops(
    texts: list[str], labels: list[int], *, n_classes: int = 1, n_top: int = 20
) -> list[list[list[tuple[str, int]]]]:
    """Size → class → (phrase, count)."""
    found = top_phrases(texts, np.array(labels), n_classes=n_classes, stop_words=STOP, n_top=n_top)
    return [[[(each.text, each.count) for each in top] for top in size] for size in found]


def test_words_bigrams_and_trigrams_are_counted_by_class() -> None:
    words, bigrams, trigrams = tops(
        ["bad bad film", "good film", "bad film"], [0, 1, 0], n_classes=2
    )
    assert words == [[("bad", 3), ("film", 2)], [("film", 1), ("good", 1)]]
    assert bigrams == [[("bad film", 2), ("bad bad", 1)], [("good film", 1)]]
    assert trigrams == [[("bad bad film", 1)], []]


def test_a_phrase_may_hold_a_stop_word_but_not_begin_or_end_with_one() -> None:
    words, bigrams, trigrams = tops(["The waste of time"], [0])
    assert words == [[("time", 1), ("waste", 1)]]
    assert bigrams == [[]]
    assert trigrams == [[("waste of time", 1)]]


def test_no_phrase_crosses_from_one_text_into_the_next() -> None:
    _, bigrams, trigrams = tops(["one two", "three four", "", "five"], [0, 0, 0, 0])
    assert bigrams == [[("one two", 1), ("three four", 1)]]
    assert trigrams == [[]]


def test_case_punctuation_and_tags_make_no_difference() -> None:
    words, bigrams, _ = tops(["It’s GOOD!<br /><br />good, it's <3"], [0])
    assert words == [[("good", 2), ("it's", 2), ("3", 1)]]
    assert bigrams == [[("good good", 1), ("good it's", 1), ("it's 3", 1), ("it's good", 1)]]


def test_ties_are_in_alphabetical_order_also_at_the_limit() -> None:
    words, *_ = tops(["d c b a1 d"], [0], n_top=3)
    assert words == [[("d", 2), ("a1", 1), ("b", 1)]]


def test_a_class_without_words_has_no_phrases() -> None:
    assert tops(["!!!", "word"], [0, 1], n_classes=3) == [
        [[], [("word", 1)], []],
        [[], [], []],
        [[], [], []],
    ]


def test_counts_are_those_of_a_plain_count_on_many_random_words() -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(f"w{k}" for k in random.integers(0, 9, 30)) for _ in range(200)]
    (found,) = top_phrases(
        texts, np.zeros(200, int), n_classes=1, stop_words=(), sizes=(3,), n_top=5
    )
    counts: dict[str, int] = {}
    for text in texts:
        words = text.split()
        for triple in zip(words, words[1:], words[2:], strict=False):
            counts[" ".join(triple)] = counts.get(" ".join(triple), 0) + 1
    best = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:5]
    assert found == (tuple(Phrase(text, n) for text, n in best),)


def test_scripts_without_blanks_are_counted_by_sign_and_emoji_too() -> None:
    words, bigrams, _ = tops(["很好！很好吃", "很好 😂😂"], [0, 0])
    assert words[0] == [("好", 3), ("很", 3), ("😂", 2), ("吃", 1)]
    assert bigrams[0] == [("很好", 3), ("好吃", 1), ("好很", 1), ("好😂", 1), ("😂😂", 1)]


def test_words_keep_their_marks() -> None:
    assert tops(["अच्छी फिल्म"], [0])[0] == [[("अच्छी", 1), ("फिल्म", 1)]]
