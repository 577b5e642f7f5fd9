"""A dossier is a page of its own, and whatever its texts hold, they are texts there."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finesweep.registry.promotion_report import as_html, build_dossier
from finesweep.registry.records import Check, Decision
from finesweep.registry.report_data import ReportData

pytestmark = pytest.mark.slow

MARKUP = ["<", ">", "&", '"', "'", "</td>", "<script>", "&lt;", "-->", "]]>", "a", " "]
TEXT = st.lists(st.sampled_from(MARKUP)).map("".join) | st.text(max_size=20)
TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "div", "table", "tr",
    "th", "td",
}  # fmt: skip


class Page(HTMLParser):
    """The tags of a page and the texts of its cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.texts = set[str](), [""]
        self.feed(page.replace("\r\n", "\n").replace("\r", "\n"))  # as browsers read it
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data


@settings(derandomize=True, max_examples=200, deadline=None, database=None)
@given(model=TEXT, label=TEXT, text=TEXT)
def test_names_and_texts_are_never_markup(model: str, label: str, text: str) -> None:
    check = Check("recall of each class", True, f"{label} changes by +0.1")
    run: dict[str, Any] = {"version": "1", "model": model, "metrics": {f"test/f1/{label}": 0.5}}
    row = {"text": text, "truth": label, "wrong": model}
    data = ReportData([row], [row], [{"slice": label, "rows": 1, "a": 0.5, "b": None}], None)
    decision = Decision(True, "superiority", (check,), {"p": 0.01}, None)
    dossier = build_dossier(decision, model=model, challenger=run, champion=run, data=data)
    page = Page(as_html(dossier, None))
    assert page.tags <= TAGS
    for told in (label, text, model, f"test/f1/{label}", f"{label} changes by +0.1"):
        assert told.replace("\r\n", "\n").replace("\r", "\n").strip() in map(str.strip, page.texts)
