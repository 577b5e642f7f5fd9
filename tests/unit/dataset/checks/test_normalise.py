from __future__ import annotations

import pandas as pd
import pytest

from finesweep.dataset.checks.normalise import normalised


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("It's 5 o'clock!\n", "its5oclock"),
        ("Straße", "strasse"),
        ("ﬁne Ⅳ", "fineiv"),
        ("ＡＢＣ１２３", "abc123"),
        ("कि, की", "किकी"),
        ("so good 😀!", "sogood😀"),
        ("?!…", ""),
    ],
)
def test_normalising_keeps_letters_digits_marks_and_emoji(text: str, bare: str) -> None:
    assert normalised(pd.Series([text])).tolist() == [bare]


def test_how_an_emoji_is_drawn_makes_no_difference() -> None:
    assert normalised(pd.Series(["I \u2764\ufe0f it"])).equals(
        normalised(pd.Series(["i \u2764 it"]))
    )
