"""The roles of columns, guessed from their names and what is in them."""

from __future__ import annotations

import pandas as pd
import pytest

from finesweep.errors import ConfigError
from finesweep.setup.new.columns import columns_of
from finesweep.setup.new.roles import Roles, guess_roles

N = 60
TEXTS = [f"the {n} quick brown foxes jump over dogs" for n in range(N)]
SHORT = [f"fox number {n}" for n in range(N)]
LABELS = [("good", "bad", "odd")[n % 3] for n in range(N)]
STARS = [str(1 + n % 5) for n in range(N)]
IDS = [f"a{n:05}" for n in range(N)]
BITS = [str(n % 2) for n in range(N)]
DATES = [f"2024-03-{1 + n % 28:02} 12:{n % 60:02}" for n in range(N)]


def roles(columns: dict[str, list[object]], **given: object) -> Roles:
    return guess_roles(columns_of(pd.DataFrame(columns, dtype=object)), given)


@pytest.mark.parametrize(
    ("columns", "texts", "label"),
    [
        ({"text": TEXTS, "label": LABELS}, ("text",), "label"),
        ({"label": LABELS, "text": TEXTS}, ("text",), "label"),
        (
            {"id": IDS, "when": DATES, "Review Text": TEXTS, "Stars": STARS},
            ("Review Text",),
            "Stars",
        ),
        ({"x": TEXTS, "y": LABELS}, ("x",), "y"),
        ({"a": SHORT, "b": TEXTS, "c": LABELS}, ("b",), "c"),
        ({"kind": LABELS, "note": TEXTS, "split": BITS}, ("note",), "kind"),
        ({"final_label": STARS, "words": TEXTS, "kind": LABELS}, ("words",), "final_label"),
        (
            {"text": TEXTS, "label": STARS, "label_text": [f"s{n}" for n in STARS]},
            ("text",),
            "label_text",
        ),
        ({"Title": SHORT, "Body": TEXTS, "Stars": STARS}, ("Title", "Body"), "Stars"),
        ({"text": ["😀😀 😀", "🚀 🚀🚀"] * 30, "label": LABELS}, (), None),
    ],
)
def test_text_and_label_are_found(
    columns: dict[str, list[object]], texts: tuple[str, ...], label: str | None
) -> None:
    if not texts:  # two distinct texts in sixty rows are no texts
        with pytest.raises(ConfigError, match="no column looks like a text"):
            roles(columns)
        return
    found = roles(columns)
    assert (found.texts, found.label, found.labels, found.pair) == (texts, label, (), None)


@pytest.mark.parametrize(
    ("first", "second"),
    [("premise", "hypothesis"), ("sentence1", "sentence2"), ("Text_A", "Text_B")],
)
def test_two_texts_with_the_names_of_a_pair_are_one(first: str, second: str) -> None:
    found = roles({first: TEXTS, second: SHORT, "label": LABELS})
    assert (found.texts, found.pair, found.label) == ((first,), second, "label")


def test_columns_of_0_and_1_are_labels_together() -> None:
    columns = {"text": TEXTS, "rude": BITS, "spam": BITS[::-1], "never": ["0"] * N}
    found = roles(columns)
    assert (found.label, found.labels) == (None, ("rude", "spam"))


def test_a_label_by_name_wins_over_columns_of_0_and_1() -> None:
    found = roles({"text": TEXTS, "verified": BITS, "photo": BITS, "sentiment": LABELS})
    assert (found.label, found.labels) == ("sentiment", ())


def test_labels_in_one_cell_are_split_where_each_also_occurs_alone() -> None:
    genres = ["drama, comedy", "drama", "comedy"] * (N // 3)
    assert roles({"text": TEXTS, "genres": genres}).separator == ","
    cities = ["Bern, Switzerland", "Rome", "Bern"] * (N // 3)
    found = roles({"text": TEXTS, "label": cities})
    assert (found.label, found.separator) == ("label", None)


def test_what_else_could_be_the_label_is_said() -> None:
    notes = roles({"text": TEXTS, "sentiment": LABELS, "stars": STARS}).notes
    assert notes == (
        "could be the label too: 'stars' (5 values); dataset.label_column=NAME chooses",
    )


def test_what_the_user_says_wins() -> None:
    columns = {"text": TEXTS, "other": SHORT, "label": LABELS, "stars": STARS}
    found = roles(columns, label_column="stars", text_column="other")
    assert (found.texts, found.label) == (("other",), "stars")
    assert roles(columns, pair_column="other").pair == "other"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"text": TEXTS, "score": [n / 97 for n in range(N)]},
            "--data: no column looks like labels: values that recur in many rows; its columns: "
            "'text' (60 values), 'score' (60 values); dataset.label_column=NAME names it",
        ),
        (
            {"x": list(range(N)), "label": LABELS},
            "--data: no column looks like a text: distinct values of words; its columns: "
            "'x' (60 values), 'label' (3 values); dataset.text_column=NAME names it",
        ),
    ],
)
def test_without_a_text_or_a_label_its_columns_are_listed(
    columns: dict[str, list[object]], message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        roles(columns)
    assert str(refused.value) == message
