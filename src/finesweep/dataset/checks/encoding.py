"""Damaged texts: lost or wrongly decoded characters, and leftover markup."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd
from ftfy.badness import is_bad

from finesweep.dataset.checks.findings import percent, rows_where
from finesweep.records import SPLITS, Finding, Severity, Splits
from finesweep.wording import counted_rows

CHECK = "encoding"
WARNING_SHARE = 0.01
"""Share of all rows; fewer do not change a metric."""

LOST = re.compile("\ufffd|ï¿½")
"""The replacement character, and its UTF-8 bytes decoded as Latin-1."""
CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""All but tabs, line ends and form feeds; 80 to 9f are remnants of curly quotes and dashes, which
ftfy handles."""
SUSPECT = re.compile(
    "[\x00-\x7f]{0,2}[\x80-\u04ff\u2000-\u2fff\uf8ff\ufb01\ufb02]+[\x00-\x7f]{0,3}"
)
"""Runs that ftfy.badness may classify as damage, with the neighbours its patterns need: running it
on whole texts takes three times as long."""
TAG = re.compile(
    r"</?(?:a|b|i|u|p|br|hr|em|div|span|strong|font|img|table|t[dr]|[uo]l|li|h[1-6]|sub|sup|pre|code"
    r"|blockquote|script|style|html|body|head|center|small)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
ENTITY = re.compile(r"&(?:[a-z]{2,8}|#[0-9]{2,7}|#x[0-9a-f]{2,6});", re.IGNORECASE)
ESCAPE = re.compile(r"\\(?:[nrt](?![a-z])|u[0-9a-f]{4}|[\"'])")
r"""Not before a letter: C:\new may be a path."""


def find_encoding_damage(splits: Splits) -> list[Finding]:
    """One finding for each kind of damage, with its rows in all splits; markup is only a note, as
    the text is intact."""
    return [
        finding
        for damages, severity, what in KINDS
        if (finding := _finding(splits, damages, severity, what))
    ]


def _is_lost(text: str) -> bool:
    return not text.isascii() and LOST.search(text) is not None


def _is_mojibake(text: str) -> bool:
    if text.isascii():
        return False
    return not _is_lost(text) and is_bad("\n".join(SUSPECT.findall(text)))


def _has_control(text: str) -> bool:
    return CONTROL.search(text) is not None


def _has_tag(text: str) -> bool:
    return "<" in text and TAG.search(text) is not None


def _has_entity(text: str) -> bool:
    return "&" in text and ENTITY.search(text) is not None


def _has_escape(text: str) -> bool:
    return "\\" in text and ESCAPE.search(text) is not None


KINDS: tuple[tuple[Callable[[str], bool], Severity, str], ...] = (
    (
        _is_lost,
        "warning",
        "the replacement character (\ufffd): the original is lost; read the source again with the "
        "right dataset.encoding",
    ),
    (
        _is_mojibake,
        "warning",
        "wrongly decoded characters, such as Ã© for é: no pretrained tokenizer knows such words; "
        "try another dataset.encoding, or dataset.clean=[encoding]",
    ),
    (
        _has_control,
        "warning",
        "control characters, which tokenizers drop or read as unknown words",
    ),
    (
        _has_tag,
        "note",
        "HTML tags, which use up dataset.max_length and say little; dataset.clean=[html] removes "
        "them",
    ),
    (
        _has_entity,
        "note",
        "HTML entities such as &amp;; dataset.clean=[html] decodes them",
    ),
    (_has_escape, "note", "escapes such as \\n that should be line ends or quotes"),
)


def _finding(
    splits: Splits, damages: Callable[[str], bool], severity: Severity, what: str
) -> Finding | None:
    masks = {split: _where(splits.frames[split]["text"], damages) for split in SPLITS}
    rows = rows_where(masks)
    n_rows = sum(map(len, masks.values()))
    if not rows:
        return None
    if len(rows) < WARNING_SHARE * n_rows:
        severity = "note"
    message = f"{counted_rows(len(rows))} ({percent(len(rows), n_rows)}) with {what}"
    return Finding(CHECK, severity, message, rows)


def _where(texts: pd.Series, damages: Callable[[str], bool]) -> pd.Series:
    return pd.Series([damages(text) for text in texts], index=texts.index, dtype=bool)
