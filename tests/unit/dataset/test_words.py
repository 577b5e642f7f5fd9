"""Words are found in any script, and texts without separable words are recognised."""

from __future__ import annotations

import random

import pytest

from finesweep.dataset.words import UNIT, WORD, are_words_separated, phrase

DRAW = random.Random(0)
ENGLISH = [
    f"the {a} film was {b} to us all"
    for a in ["old", "new", "odd", "sad"]
    for b in ["fun", "dull", "long"]
]
SIGNS = "雨左云月日明火天少多人大山今风星小右手足水电金下口上土木雷雪"
THAI = ["หนังเรื่องนี้สนุกมาก", "อาหารร้านนี้ไม่อร่อยเลย", "บริการดีมากครับ", "ราคาแพงเกินไป"]


def drawn(letters: str, length: int, n: int = 100) -> list[str]:
    return ["".join(DRAW.choices(letters, k=length)) for _ in range(n)]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("It's x² and don't", ["It's", "x²", "and", "don't"]),
        ("你好，世界。", ["你", "好", "世", "界"]),
        ("カラオケbox2", ["カ", "ラ", "オ", "ケ", "box2"]),
        ("น้ำดี", ["น้ำ", "ดี"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("😂👨\u200d👩\u200d👧👍🏽 ♥", ["😂", "👨\u200d👩\u200d👧", "👍🏽", "♥"]),
    ],
)
def test_units_are_words_or_signs_whole_with_their_marks(text: str, units: list[str]) -> None:
    assert UNIT.findall(text) == units


def test_a_word_keeps_the_vowels_that_are_marks() -> None:
    assert WORD.findall("हिन्दी, é e\u0301 a_b ½") == ["हिन्दी", "é", "e\u0301", "a_b", "½"]


@pytest.mark.parametrize(
    "texts",
    [
        drawn(SIGNS, 8),
        THAI,
        drawn("😀😂😉😎😊🥰😁😘", 5),
        drawn("ACGT", 40),
        drawn("+-*/<>=", 6),
        drawn("0123456789abcdef", 16),
        [text.replace(" ", "") for text in ENGLISH],
        ENGLISH + drawn(SIGNS, 8, n=4),
        [
            f"https://{host}.com/{page}"
            for host, page in zip(drawn("abcdefgh", 9), drawn("xyz", 14), strict=True)
        ],
    ],
    ids=["chinese", "thai", "emoji", "dna", "operators", "hex", "no-blanks", "a-quarter", "urls"],
)
def test_words_that_never_come_again_are_not_set_apart(texts: list[str]) -> None:
    assert not are_words_separated(texts)


@pytest.mark.parametrize(
    "texts",
    [
        ENGLISH,
        ["a", "b"],
        [*"abcab"] * 9,
        ["अच्छी फिल्म है", "बुरी फिल्म है", "अच्छी कहानी है"],
        ["좋은 영화", "나쁜 영화", "좋은 책"],
    ],
    ids=["english", "two-letters", "copies", "hindi", "korean"],
)
def test_words_that_come_again_are_set_apart(texts: list[str]) -> None:
    # Two texts of a letter each have no word in common, whatever they are.
    assert are_words_separated(texts) == (texts != ["a", "b"] and texts != [*"abcab"] * 9)


def test_signs_are_read_without_blanks_and_words_with_them() -> None:
    assert phrase(["你", "好", "great", "movie", "😂", "😂"]) == "你好 great movie 😂😂"
