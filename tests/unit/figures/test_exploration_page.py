"""The page of a dataset shows every number and executes nothing from its texts."""

from __future__ import annotations

import base64
import re
from typing import Any

from finesweep.figures.exploration_page import exploration_page

EVIL = "<script>alert(1)</script>"
NAMES = ("balance", "lengths", "cut", "clouds", "words")


def summaries(maximum: float) -> dict[str, Any]:
    one = {"mean": 12.25, "median": 12.0, "p95": 20.0, "maximum": maximum}
    return {"all": one, "classes": {EVIL: one, "电影": None}}


def cuts() -> dict[str, Any]:
    return {"all": {"32": 0.5}, "classes": {EVIL: {"32": 0.5}, "电影": {"32": None}}}


def page(findings: list[dict[str, Any]] | None = None) -> str:
    splits = ("train", "validation")
    exploration = {
        "name": EVIL,
        "model": EVIL,
        "max_length": 32,
        "special_tokens": 2,
        "data_notes": [EVIL],
        "splits": {split: {"rows": 1200, "classes": {EVIL: 900, "电影": 300}} for split in splits},
        "lengths": {split: {"words": summaries(1234.0)} for split in splits},
        "cut": {split: cuts() for split in splits},
        "phrases": {"words": {EVIL: [{"text": EVIL, "count": 4567}], "电影": []}},
        "examples": {EVIL: [{"row": 42, "text": EVIL}], "电影": []},
        "notes": [EVIL],
    }
    return exploration_page(exploration, findings or [], {name: name.encode() for name in NAMES})


def test_every_text_is_escaped() -> None:
    finding = {"check": EVIL, "severity": EVIL, "message": EVIL, "rows": [[EVIL, 1]]}
    text = page([finding])
    assert EVIL not in text
    assert text.count("&lt;script&gt;") > 10


def test_it_is_one_file_with_language_and_title_that_asks_for_nothing() -> None:
    text = page()
    assert text.startswith("<!doctype html><html lang=en>")
    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;: the dataset</title>" in text
    sources = re.findall(r'(?:src|href)="?([^"> ]+)', text)
    drawn = [base64.b64decode(source.partition("base64,")[2]).decode() for source in sources]
    assert drawn == list(NAMES)
    assert not re.search(r"url\(|@import|https?://", text)


def test_rows_lengths_cuts_phrases_and_examples_are_shown() -> None:
    text = page()
    for cell in ("1,200", "900 (75.0%)", "12.2", "1,234", "50.0%", "4,567", "42"):
        assert f">{cell}</td>" in text


def test_findings_are_shown_with_their_first_rows_or_that_there_are_none() -> None:
    assert "The checks found nothing." in page()
    rows = [["test", k] for k in range(1, 31)]
    finding = {"check": "a", "severity": "severe", "message": "30 texts leak", "rows": rows}
    text = page([finding])
    assert "<td>severe</td><td>30 texts leak</td><td>test 1, 2, " in text
    assert ", 20 and 10 more</td>" in text


def test_a_character_that_figures_cannot_draw_is_explained() -> None:
    assert "□ is a character that the font lacks" in page()
