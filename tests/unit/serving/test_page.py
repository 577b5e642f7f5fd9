"""The page has a box for each text that the model reads, and explains problems with one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finesweep.pairs import MARK, join_pair
from finesweep.prediction import Classifier
from finesweep.records import DecisionRule, Prediction
from finesweep.serving import markup
from finesweep.serving.card import Card
from finesweep.serving.markup import EMPTY, HALF
from finesweep.serving.service import MAX_SIDE_CHARACTERS, MAX_TEXT_CHARACTERS, Service

if TYPE_CHECKING:
    import gradio as gr

pytestmark = [
    pytest.mark.slow,
    # Gradio takes seconds to import: in one process, and not while tests are collected.
    pytest.mark.xdist_group("gradio"),
    pytest.mark.skipif(
        find_spec("gradio") is None, reason="the extra finesweep[serve] is not installed"
    ),
]

Services = dict[str, Service]
NOTHING = f"<h2>UNCERTAIN</h2><p>{EMPTY}</p>"
NO_PAIR = f"<h2>UNCERTAIN</h2><p>{HALF}</p>"
LONG_SIDE = "is longer than 2,000 characters, which is the limit here."
LONG = "is longer than 100,000 characters, which is the limit here."
HOLDS = f"contains '{MARK}', the character that separates the texts of a pair."


def built(service: Service) -> gr.Blocks:
    """The page, built within an event loop: else Gradio creates loops and leaves them open."""
    from finesweep.serving.page import page

    async def made() -> gr.Blocks:
        return page(service)

    return asyncio.run(made())


def parts(blocks: gr.Blocks, kind: str) -> list[Any]:
    return [each for each in blocks.blocks.values() if type(each).__name__ == kind]


def classify(service: Service) -> Callable[..., Any]:
    """The function that the button calls."""
    functions = [each.fn for each in built(service).fns.values() if each.name == "classify"]
    assert functions[0] is not None
    return functions[0]


@pytest.mark.parametrize(
    ("kind", "labels", "tabs", "files", "examples"),
    [
        (
            "texts",
            ["Text"],
            ["One text", "Many texts", "The model"],
            "FILES",
            [["a lovely day"], ["it was awful"]],
        ),
        (
            "pairs",
            ["First text", "Second text"],
            ["One pair", "Many pairs", "The model"],
            "PAIR_FILES",
            [["a day", "lovely"], ["it was", "awful"]],
        ),
    ],
)
def test_a_page_asks_for_what_its_model_reads(
    services: Services,
    kind: str,
    labels: list[str],
    tabs: list[str],
    files: str,
    examples: list[list[str]],
) -> None:
    from finesweep.serving import page

    made = built(services[kind])
    assert [box.label for box in parts(made, "Textbox")] == labels
    assert [tab.label for tab in parts(made, "Tab")] == tabs
    assert f"{getattr(page, files)}." in [text.value for text in parts(made, "Markdown")]
    (shown,) = parts(made, "Dataset")
    assert shown.samples == examples


def test_a_pair_is_answered_with_the_words_of_both_texts_and_a_bar_between(pairs: Service) -> None:
    answer, shares, words = classify(pairs)("a lovely", "day")
    (wanted,) = pairs.classifier.predict([join_pair("a lovely", "day")])
    assert (answer, shares) == (f"<h2>{wanted.label}</h2>", wanted.probabilities)
    assert "".join(part for part, _ in words) == "a lovely | day"
    assert max(abs(score) for _, score in words if score is not None) == pytest.approx(1)


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        ("texts", ("",), NOTHING),
        ("texts", (" ",), NOTHING),
        ("texts", ("\u200b",), NOTHING),
        ("pairs", ("", " "), NO_PAIR),
        ("pairs", ("a day", "\n"), NO_PAIR),
        ("pairs", ("a day", f"x {MARK}"), f"<p>The second text {escape(HOLDS)}</p>"),
        ("texts", ("x" * (MAX_TEXT_CHARACTERS + 1),), f"<p>The text {LONG}</p>"),
        ("pairs", ("x" * (MAX_SIDE_CHARACTERS + 1), "a"), f"<p>The first text {LONG_SIDE}</p>"),
    ],
)
def test_what_cannot_be_answered_is_told(
    services: Services, kind: str, given: tuple[str, ...], told: str
) -> None:
    assert classify(services[kind])(*given) == (told, None, None)


def test_a_single_text_may_hold_the_mark(texts: Service) -> None:
    answer, _, _ = classify(texts)(f"a {MARK} b")
    assert answer.startswith("<h2>")


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</h2><script>alert(1)</script>",
    "![x](http://example.com/x.png)",
    "[a](javascript:alert(1))",
    "${alert(1)} {{value}} $$x$$",
)
TAGS = re.compile(r"</?(?:h1|h2|p|b|ul|li)>")


@given(st.text() | st.sampled_from(HOSTILE))
def test_labels_texts_and_names_of_any_characters_are_escaped(text: str) -> None:
    unsure = Prediction(text, text, 0.4, {text: 0.4}, sure=False, truncated=True)
    classifier = Classifier(None, 16, DecisionRule(uncertain_below=0.5))
    shown = [
        markup.heading(text),
        markup.paragraph(text),
        markup.paragraphs(text, text),
        markup.card(Card(text, text, text, {text: text})),
        markup.answer(unsure, classifier),
        markup.answer(replace(unsure, sure=True), classifier),
    ]
    for html in shown:
        assert escape(text) in html
        assert not set("<>\"'") & set(TAGS.sub("", html))


def test_nothing_that_a_user_names_is_rendered_as_markdown(texts: Service) -> None:
    from finesweep.serving.page import FILES

    named = replace(texts, card=Card(HOSTILE[2], "m", "1", {"labels": HOSTILE[2]}))
    blocks = built(named)
    assert [part.value for part in parts(blocks, "Markdown")] == [f"{FILES}."]


def test_the_page_says_what_was_found_in_a_file_and_where_its_fields_are_set(
    texts: Service, tmp_path: Path
) -> None:
    classify_file = [each.fn for each in built(texts).fns.values() if each.name == "classify"][-1]
    assert classify_file is not None
    file = tmp_path / "<b>.csv"
    file.write_text("text;id\na, lovely day;1\nit was, awful;2\n", encoding="utf-8")
    told, preview, _ = classify_file(str(file))
    note = "&lt;b&gt;.csv: separated by a semicolon; dataset.separator sets it"
    where = "<p>The fields named here are options of `finesweep predict --file`.</p>"
    assert told == f"<p>2 rows classified.</p><p>{note}</p>{where}"
    assert preview["text"].tolist() == ["a, lovely day", "it was, awful"]
    file.write_text("text\na day\n", encoding="utf-8")
    assert classify_file(str(file))[0] == "<p>1 row classified.</p>"


def test_a_text_that_is_cut_is_told_on_the_page(texts: Service) -> None:
    told = "<p>Truncated to 16 tokens, the maximum of the model for a text.</p>"
    answers = [classify(texts)(text)[0] for text in ("day " * 99, "a day")]
    assert [told in answer for answer in answers] == [True, False]
