"""What the names of columns tell about their roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from finesweep.setup.new.columns import Column

TEXT_NAMES = (
    "text texts sentence review reviewtext reviewbody comment commenttext tweet tweettext message "
    "content body utterance document post query question description headline title url"
)
"""Names of text columns, without case and signs; the first that a table has is taken."""
LABEL_NAMES = (
    "label labels labeltext labelname target class classname category categories sentiment "
    "polarity stars star rating intent emotion emotions topic topics tag tags y goldlabel score "
    "type"
)
"""Names of label columns, likewise."""
TITLE_NAMES = ("title", "headline", "subject", "summary", "heading", "reviewtitle", "reviewsummary")
"""Names of columns that are joined before the text."""
NEITHER = (
    "id index split fold date year month day time timestamp user userid username author lang "
    "language source url file"
)
"""Words in names of columns that are neither texts nor labels."""
PAIR_NAMES = (
    ("premise", "hypothesis"),
    ("question", "answer"),
    ("question", "sentence"),
    ("question", "passage"),
    ("question", "context"),
    ("query", "passage"),
    ("query", "document"),
    ("claim", "evidence"),
)
NUMBERED = re.compile(r"(.+?)(1|2|a|b)")
"""A name that one of two texts has, such as sentence1."""


def first_named(
    columns: Sequence[Column],
    names: str,
    matches: Callable[[str, str], bool] = lambda own, name: key_of(own) == name,
) -> Column | None:
    """The column with the earliest of these names."""
    return next((c for name in names.split() for c in columns if matches(c.name, name)), None)


def has_word(own: str, name: str) -> bool:
    """Whether a word of a column's name is this name, as in `final_label`."""
    words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", own).casefold())
    return name in words


def key_of(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def may_tell(name: str) -> bool:
    """Whether a column's name does not rule it out as a text or a label."""
    return not any(has_word(name, word) for word in NEITHER.split())
