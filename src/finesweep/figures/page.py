"""Parts of a self-contained HTML page; every text that they are given is escaped."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from typing import Any

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}
td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}
.wide{overflow-x:auto}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.verdict{font-size:1.3rem;font-weight:600}
img{max-width:100%;height:auto}
summary{cursor:pointer;font-weight:600}
"""


def document(title: str, parts: Iterable[str]) -> str:
    """The page; parts are HTML already."""
    head = (
        "<meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>{escaped(title)}</title><style>{STYLE}</style>"
    )
    body = "\n".join(parts)
    return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>"


def table(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], *, n_texts: int | None = None
) -> str:
    """A table that scrolls sideways where it is too wide; after the first n_texts columns cells
    are numbers, set to the right."""
    first = len(headings) if n_texts is None else n_texts
    head = _cells("th", headings, first)
    lines = "".join(f"<tr>{_cells('td', row, first)}</tr>" for row in rows)
    return f"<div class=wide><table><tr>{head}</tr>{lines}</table></div>"


def folded(heading: str, parts: Iterable[str], *, is_open: bool) -> str:
    """Parts, HTML already, under a heading that folds and unfolds them."""
    state = " open" if is_open else ""
    return f"<details{state}><summary>{escaped(heading)}</summary>{''.join(parts)}</details>"


def picture(png: bytes, described: str) -> str:
    """The picture inside the page itself; described is read where it is not seen."""
    drawn = base64.b64encode(png).decode()
    return f'<img src="data:image/png;base64,{drawn}" alt="{escaped(described)}">'


def escaped(value: Any) -> str:
    return html.escape(str(value))


def _cells(tag: str, row: Sequence[Any], n_texts: int) -> str:
    kinds = ("" if k < n_texts else " class=number" for k in range(len(row)))
    cells = zip(kinds, map(escaped, row), strict=True)
    return "".join(f"<{tag}{kind}>{text}</{tag}>" for kind, text in cells)
