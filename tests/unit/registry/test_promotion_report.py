"""A dossier is a page of its own, and whatever its texts hold, they are texts there."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finesweep.registry.promotion_report import N_FLIPPED, as_html, build_dossier
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
    """The tags of a page, the texts of its elements, and its tables by heading."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.texts = set[str](), [""]
        self.tables: dict[str, list[list[str]]] = {}
        self._heading = ""
        self.feed(page.replace("\r\n", "\n").replace("\r", "\n"))  # as browsers read it
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.texts.append("")
        if tag == "tr":
            self.tables.setdefault(self._heading, []).append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2"):
            self._heading = self.texts[-1]
        elif tag in ("td", "th"):
            self.tables[self._heading][-1].append(self.texts[-1])

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


def described(version: str, accuracy: float, **others: float) -> dict[str, Any]:
    metrics = {"test/accuracy": accuracy, "latency_ms/one_p50": 8.25, **others}
    return {"version": version, "run_id": f"run{version}", "metrics": metrics}


def test_each_table_says_what_the_gate_saw() -> None:
    checks = (Check("latency", True, "8 ms"), Check("recall of each class", False, "bad by -0.04"))
    flipped = [{"text": f"text {k}", "truth": "good", "wrong": "bad"} for k in range(25)]
    slices = [{"slice": "label good", "rows": 40, "a": 0.5, "b": None}]
    intervals = {"test/accuracy": [0.61, 0.79]}
    scores = {"test/accuracy": 0.72}
    data = ReportData(flipped, flipped[:1], slices, None, intervals, champion_scores=scores)
    decision = Decision(False, "superiority", checks, {"p": 0.25, "look": 2}, 900)
    new, old = described("3", 0.7, **{"test/f1": 0.65}), described("2", 0.75, **{"test/f1": 0.6})
    dossier = build_dossier(decision, model="own", challenger=new, champion=old, data=data)
    # Its own scores are of other rows.
    assert dossier["champion"]["metrics"] == {"test/accuracy": 0.72, "latency_ms/one_p50": 8.25}
    page = Page(as_html(dossier, None))
    assert page.tables == {
        "own version 3: refused": [
            ["condition", "outcome", "found"],
            ["latency", "passed", "8 ms"],
            ["recall of each class", "FAILED", "bad by -0.04"],
        ],
        "The comparison": [
            ["", "value"],
            ["p value", "0.25"],
            ["attempt on these test rows", "2"],
        ],
        "Scores on the test rows": [
            ["score", "challenger", "95 % interval", "champion"],
            ["test/accuracy", "0.7", "0.6100 … 0.7900", "0.72"],
            ["test/f1", "0.65", "", ""],
        ],
        "Cost": [["score", "challenger", "champion"], ["latency_ms/one_p50", "8.25", "8.25"]],
        "Accuracy by slice": [["slice", "rows", "challenger"], ["label good", "40", "0.5"]],
        "Rows gained": [
            ["text", "truth", "wrong prediction"],
            *([f"text {k}", "good", "bad"] for k in range(N_FLIPPED)),
        ],
        "Rows lost": [["text", "truth", "wrong prediction"], ["text 0", "good", "bad"]],
        "Where the two models come from": [
            ["", "challenger", "champion"],
            ["version", "3", "2"],
            ["run id", "run3", "run2"],
        ],
    }
    sentences = set(map(str.strip, page.texts))
    assert "Version 3 was refused against the champion, version 2, by superiority." in sentences
    assert "About 900 test rows would decide it." in sentences


def test_without_a_champion_only_the_challenger_has_a_column() -> None:
    decision = Decision(True, "minimum", (), {}, None)
    data = ReportData([], [], [], None)
    dossier = build_dossier(
        decision, model="own", challenger=described("1", 0.7), champion=None, data=data
    )
    page = Page(as_html(dossier, None))
    told = "Version 1 was promoted against the minimum requirements alone: there was no champion."
    assert told in map(str.strip, page.texts)
    assert page.tables["Scores on the test rows"][0] == ["score", "challenger"]
    assert page.tables["Where the model comes from"][1:] == [["version", "1"], ["run id", "run1"]]
    assert {"The comparison", "Rows gained", "Rows lost"}.isdisjoint(page.tables)
