"""The model for people: a page where one types a text, or drops a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from finesweep.dataset.formats import READERS
from finesweep.errors import ConfigError
from finesweep.records import Prediction
from finesweep.serving.service import Service

EMPTY = "Type a text first, or take one of the examples."
WORDS = "Words that speak for the answer (red) and against it (violet)"
FILES = "A table (CSV, TSV, JSON lines, Parquet) with a column `text`, or a file of one text a line"
DAY = 86_400
DECIMALS = 3
"""On the page; the file has all."""


def page(service: Service) -> gr.Blocks:
    """Three tabs: one text, many texts, and the model's card."""
    blocks = gr.Blocks(title=service.card.title, analytics_enabled=False, delete_cache=(DAY, DAY))
    with blocks:
        gr.Markdown(f"# {service.card.title}")
        with gr.Tab("One text"):
            _one_text(service)
        with gr.Tab("Many texts"):
            _many_texts(service)
        with gr.Tab("The model"):
            gr.Markdown(service.card.markdown, elem_id="card")
    return blocks


def _one_text(service: Service) -> None:
    with gr.Row():
        with gr.Column():
            text = gr.Textbox(label="Text", lines=4, elem_id="text", autofocus=True)
            asked = gr.Button("Classify", variant="primary", elem_id="classify")
            if service.classifier.examples:
                gr.Examples(
                    [[example] for example in service.classifier.examples],
                    inputs=[text],
                    label="From the validation split",
                )
        with gr.Column():
            answer = gr.Markdown(elem_id="answer")
            shares = gr.Label(label="Probabilities", show_heading=False, elem_id="shares")
            words = gr.HighlightedText(
                label=WORDS, show_inline_category=False, show_legend=False, elem_id="words"
            )

    def classify(given: str) -> tuple[str, dict[str, float] | None, Any]:
        if not given.strip():
            return EMPTY, None, None
        prediction, spans = service.explained(given)
        most = max((abs(score) for _, score in spans if score is not None), default=0) or 1
        shown = [(part, None if score is None else score / most) for part, score in spans]
        return told(prediction, service), dict(prediction.probabilities), shown

    for event in (asked.click, text.submit):
        event(classify, inputs=[text], outputs=[answer, shares, words], api_visibility="private")


def _many_texts(service: Service) -> None:
    gr.Markdown(FILES + ".")
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


def told(prediction: Prediction, service: Service) -> str:
    """The answer as a heading, and what UNCERTAIN means where that is the answer."""
    if prediction.sure:
        return f"## {prediction.answer}"
    least = service.classifier.answering.uncertain_below
    return (
        f"## {prediction.answer}\n"
        f"The likeliest label, **{prediction.label}**, has a probability of"
        f" {prediction.probability:.2f}. Below {least:.2f} no answer is given, because too many of"
        " those answers would be wrong."
    )
