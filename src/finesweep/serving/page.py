"""The model for people: a page where one types a text, or drops a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from finesweep.dataset.formats import READERS
from finesweep.errors import ConfigError
from finesweep.pairs import PAIR, joined, side_problem, sides
from finesweep.prediction.attribution import Span
from finesweep.records import Prediction
from finesweep.serving.service import Service

EMPTY = "Type a text first, or take one of the examples."
BOXES = {"text": "First text", "pair": "Second text"}
"""Of a pair, by their ids in the page."""
WORDS = "Words that speak for {} (red) and against it (violet)"
FILES = "A table (CSV, TSV, JSON lines, Parquet) with a column `text`, or a file of one text a line"
PAIR_FILES = """\
A table (CSV, TSV, JSON lines, Parquet) with columns `text` and `pair`, or a file of two texts a\
 line with a tab between them"""
BAR = " | "
"""Between the words of a pair's two texts."""
DAY = 86_400
DECIMALS = 3
"""On the page; the file has all."""


def page(service: Service) -> gr.Blocks:
    """Three tabs: one text or pair of texts, many of them, and the model's card."""
    blocks = gr.Blocks(title=service.card.title, analytics_enabled=False, delete_cache=(DAY, DAY))
    one, many = ("One pair", "Many pairs") if service.reads_pairs else ("One text", "Many texts")
    with blocks:
        gr.Markdown(f"# {service.card.title}")
        with gr.Tab(one):
            _one_text(service)
        with gr.Tab(many):
            _many_texts(service)
        with gr.Tab("The model"):
            gr.Markdown(service.card.markdown, elem_id="card")
    return blocks


def _one_text(service: Service) -> None:
    with gr.Row():
        with gr.Column():
            boxes = _boxes(service)
            asked = gr.Button("Classify", variant="primary", elem_id="classify")
            if service.classifier.examples:
                gr.Examples(
                    [
                        list(sides(example)) if service.reads_pairs else [example]
                        for example in service.classifier.examples
                    ],
                    inputs=boxes,
                    label="From the validation split",
                )
        with gr.Column():
            answer = gr.Markdown(elem_id="answer")
            shares = gr.Label(label="Probabilities", show_heading=False, elem_id="shares")
            explained = "the likeliest label" if service.classifier.multi_label else "the answer"
            words = gr.HighlightedText(
                label=WORDS.format(explained),
                show_inline_category=False,
                show_legend=False,
                elem_id="words",
            )

    def classify(*given: str) -> tuple[str, dict[str, float] | None, Any]:
        if problem := mistake(given):
            return problem, None, None
        prediction, spans = service.explained(joined(*given) if service.reads_pairs else given[0])
        return told(prediction, service), dict(prediction.probabilities), shown(spans)

    for event in (asked.click, *(box.submit for box in boxes)):
        event(classify, inputs=boxes, outputs=[answer, shares, words], api_visibility="private")


def _boxes(service: Service) -> list[gr.Textbox]:
    """Where one types a text, or both of a pair."""
    labels = BOXES if service.reads_pairs else {"text": "Text"}
    return [
        gr.Textbox(label=label, lines=4 // len(labels), elem_id=name, autofocus=name == "text")
        for name, label in labels.items()
    ]


def _many_texts(service: Service) -> None:
    gr.Markdown((PAIR_FILES if service.reads_pairs else FILES) + ".")
    file = gr.File(label="File", file_types=[*READERS, ".txt"], elem_id="file")
    said = gr.Markdown(elem_id="said")
    table = gr.Dataframe(label="The first rows", interactive=False, elem_id="rows")
    answers = gr.File(label="All rows with their answers", interactive=False, elem_id="answers")

    def classify(path: str | None) -> tuple[str, Any, str | None]:
        if path is None:
            return "", None, None
        try:
            output, preview, n_rows = service.answer_file(Path(path))
        except ConfigError as error:
            return f"This file cannot be answered: {error}", None, None
        return f"{n_rows:,} rows answered.", preview.round(DECIMALS), str(output)

    file.change(classify, inputs=[file], outputs=[said, table, answers], api_visibility="private")


def mistake(given: Sequence[str]) -> str | None:
    """What to say of a typed text, or the two of a pair, that cannot be answered."""
    if len(given) == 1:
        return None if given[0].strip() else EMPTY
    found = zip(BOXES.values(), map(side_problem, given), strict=True)
    return next((f"The {label.lower()} {problem}." for label, problem in found if problem), None)


def shown(spans: Sequence[Span]) -> list[Span]:
    """The spans with scores in [-1, 1]; a bar stands for the mark of a pair, which many fonts
    lack."""
    most = max((abs(score) for _, score in spans if score is not None), default=0) or 1
    return [
        (BAR if part == PAIR else part, None if score is None else score / most)
        for part, score in spans
    ]


def told(prediction: Prediction, service: Service) -> str:
    """The answer as a heading, and what UNCERTAIN means where that is the answer."""
    if prediction.sure:
        return f"## {prediction.answer}"
    least = service.classifier.answering.uncertain_below
    return (
        f"## {prediction.answer}\n"
        f"The likeliest answer, **{prediction.label}**, has a probability of"
        f" {prediction.probability:.2f}. Below {least:.2f} no answer is given, because too many of"
        " those answers would be wrong."
    )
