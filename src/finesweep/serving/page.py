"""The web page: type a text, or upload a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from finesweep.dataset.reading.compression import COMPRESSED
from finesweep.dataset.reading.formats import PLAIN, READERS
from finesweep.errors import ConfigError
from finesweep.pairs import PAIR, join_pair_or_none, mark_problem, split_pair
from finesweep.prediction.wording import NO_GRADIENTS
from finesweep.records import Span
from finesweep.serving import markup
from finesweep.serving.service import DAY, Service
from finesweep.wording import counted_rows

BOXES = {"text": "First text", "pair": "Second text"}
"""Labels of a pair's text boxes, by element id."""
WORDS = "Words for {} (red) and against it (violet)"
FILES = """\
A table (CSV, TSV, JSON, Excel, Parquet) with a column `text`, or a file of one text a line"""
PAIR_FILES = """\
A table (CSV, TSV, JSON, Excel, Parquet) with columns `text` and `pair`, or a file of two texts a\
 line with a tab between them"""
KINDS = [*READERS, *filter(None, PLAIN), *COMPRESSED]
BAR = " | "
"""Separator between the words of a pair's two texts."""
DECIMALS = 3
"""Decimals on the page; the file has all."""
N_AT_ONCE = 8
"""Concurrent requests of one kind; the service interleaves them."""


def page(service: Service) -> gr.Blocks:
    """Three tabs: a text or pair, a file of them, and the model card."""
    blocks = gr.Blocks(title=service.card.title, analytics_enabled=False, delete_cache=(DAY, DAY))
    one, many = ("One pair", "Many pairs") if service.reads_pairs else ("One text", "Many texts")
    with blocks:
        _html(markup.heading(service.card.title))
        with gr.Tab(one):
            _one_text(service)
        with gr.Tab(many):
            _many_texts(service)
        with gr.Tab("The model"):
            _html(markup.card(service.card), "card")
    return blocks


def _html(value: str = "", elem_id: str | None = None) -> gr.HTML:
    """HTML by `markup`. Not gr.Markdown, which would render links and remote pictures in a label or
    text."""
    return gr.HTML(value, elem_id=elem_id, js_on_load=None)


def _one_text(service: Service) -> None:
    with gr.Row():
        with gr.Column():
            boxes = _boxes(service)
            button = gr.Button("Classify", variant="primary", elem_id="classify")
            if service.classifier.examples:
                gr.Examples(
                    [
                        list(split_pair(example)) if service.reads_pairs else [example]
                        for example in service.classifier.examples
                    ],
                    inputs=boxes,
                    label="From the validation split",
                )
        with gr.Column():
            answer = _html(elem_id="answer")
            shares = gr.Label(label="Probabilities", show_heading=False, elem_id="shares")
            label = "the most likely label" if service.classifier.multi_label else "the prediction"
            words = gr.HighlightedText(
                label=WORDS.format(label),
                show_inline_category=False,
                show_legend=False,
                elem_id="words",
                visible=service.classifier.has_gradients,
            )
            if not service.classifier.has_gradients:
                _html(markup.paragraph(f"{NO_GRADIENTS[0].upper()}{NO_GRADIENTS[1:]}."), "no-words")

    def classify(*texts: str) -> tuple[str, dict[str, float] | None, Any]:
        if problem := input_problem(texts, service):
            return markup.paragraph(problem), None, None
        text = join_pair_or_none(*texts) if service.reads_pairs else texts[0]
        prediction, spans = service.explain(text)
        answer = markup.answer(prediction, service.classifier)
        return answer, dict(prediction.probabilities) or None, normalised_spans(spans) or None

    for event in (button.click, *(box.submit for box in boxes)):
        event(
            classify,
            inputs=boxes,
            outputs=[answer, shares, words],
            api_visibility="private",
            concurrency_limit=N_AT_ONCE,
            concurrency_id="one",
        )


def _boxes(service: Service) -> list[gr.Textbox]:
    """Input boxes for a text, or for both of a pair."""
    labels = BOXES if service.reads_pairs else {"text": "Text"}
    return [
        gr.Textbox(label=label, lines=4 // len(labels), elem_id=name, autofocus=name == "text")
        for name, label in labels.items()
    ]


def _many_texts(service: Service) -> None:
    gr.Markdown((PAIR_FILES if service.reads_pairs else FILES) + ".")
    file = gr.File(label="File", file_types=KINDS, elem_id="file")
    notes = _html(elem_id="said")
    table = gr.Dataframe(label="The first rows", interactive=False, elem_id="rows")
    answers = gr.File(label="All rows with predictions", interactive=False, elem_id="answers")

    def classify(path: str | None) -> tuple[str, Any, str | None]:
        if path is None:
            return "", None, None
        try:
            predicted = service.predict_file(Path(path))
        except ConfigError as error:
            return markup.paragraphs(f"This file cannot be classified: {error}"), None, None
        message = markup.paragraphs(
            f"{counted_rows(predicted.n_rows)} classified.", *predicted.notes
        )
        return message, predicted.preview.round(DECIMALS), str(predicted.output)

    file.change(
        classify,
        inputs=[file],
        outputs=[notes, table, answers],
        api_visibility="private",
        concurrency_limit=N_AT_ONCE,
    )


def input_problem(texts: Sequence[str], service: Service) -> str | None:
    """A sentence about a typed text, or one of a pair, that cannot be classified; else None."""
    pairs = len(texts) > 1
    for label, text in zip(BOXES.values() if pairs else ("text",), texts, strict=True):
        separator_problem = mark_problem(text) if pairs else None
        if problem := separator_problem or service.length_problem(text):
            return f"The {label.lower()} {problem}."
    return None


def normalised_spans(spans: Sequence[Span]) -> list[Span]:
    """The spans with scores in [-1, 1], and a bar for a pair's separator, which many fonts lack."""
    largest = max((abs(score) for _, score in spans if score is not None), default=0) or 1
    return [
        (BAR if part == PAIR else part, None if score is None else score / largest)
        for part, score in spans
    ]
