"""Optional cleaning steps for texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html.parser import HTMLParser

import ftfy

BLANKS = re.compile(r"\s+")


def clean_texts(texts: Iterable[str], steps: Sequence[str]) -> list[str]:
    """Texts after these steps, names of CLEANERS, in order."""
    for step in steps:
        texts = [CLEANERS[step](text) for text in texts]
    return list(texts)


def _without_markup(text: str) -> str:
    """The text with tags replaced by blanks and entities by characters."""
    parser = _Texts(convert_charrefs=True)
    parser.feed(text)
    parser.close()
    return "".join(parser.parts)


class _Texts(HTMLParser):
    """Collects the text between tags."""

    def __init__(self, *, convert_charrefs: bool) -> None:
        super().__init__(convert_charrefs=convert_charrefs)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.parts.append(" ")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(" ")


def _single_blanks(text: str) -> str:
    return BLANKS.sub(" ", text).strip()


CLEANERS: Mapping[str, Callable[[str], str]] = {
    "html": _without_markup,
    "encoding": ftfy.fix_text,
    "whitespace": _single_blanks,
}
"""Name → cleaner of one text."""
