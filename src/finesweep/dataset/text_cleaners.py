"""What can be done to a text before anyone reads it, when the config asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html.parser import HTMLParser

import ftfy

BLANKS = re.compile(r"\s+")


def clean_texts(texts: Iterable[str], steps: Sequence[str]) -> list[str]:
    """The texts after these steps, each a name of CLEANERS, in their order."""
    made = list(texts)
    for step in steps:
        made = [CLEANERS[step](text) for text in made]
    return made


def _without_markup(text: str) -> str:
    """A blank where a tag stood, entities as characters."""
    parser = _Texts(convert_charrefs=True)
    parser.feed(text)
    parser.close()
    return "".join(parser.found)


class _Texts(HTMLParser):
    """Collects what stands between tags."""

    def __init__(self, *, convert_charrefs: bool) -> None:
        super().__init__(convert_charrefs=convert_charrefs)
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(" ")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.found.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.found.append(" ")


def _single_blanks(text: str) -> str:
    return BLANKS.sub(" ", text).strip()


CLEANERS: Mapping[str, Callable[[str], str]] = {
    "html": _without_markup,
    "encoding": ftfy.fix_text,
    "whitespace": _single_blanks,
}
"""Name → what it does to one text."""
