from __future__ import annotations

import pandas as pd
import pytest

from finesweep.dataset.checks.skeletons import skeletons


@pytest.mark.parametrize(
    ("text", "skeleton"),
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
def test_what_stays_of_a_text_are_its_letters_digits_marks_and_emoji(
    text: str, skeleton: str
) -> None:
    assert skeletons(pd.Series([text])).tolist() == [skeleton]
