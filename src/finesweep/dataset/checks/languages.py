"""Texts in a minority language, and languages that predict the class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from functools import cache

import pandas as pd
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from finesweep.dataset.checks.findings import all_rows, draw_sample, percent, row_ids, sample_clause
from finesweep.dataset.labels.values import label_counts, labels_in
from finesweep.dataset.words import UNIT
from finesweep.labelsets import rows_holding
from finesweep.records import Finding, Severity, Splits
from finesweep.wording import counted_rows

CHECK = "languages"
MAX_ROWS = 5_000
"""Rows checked, at half a millisecond each."""
MAX_CHARACTERS = 300
"""Characters read of each text: more do not change its language."""
MIN_BYTES = 60
MIN_WORDS = 8
"""For ASCII texts, which may be names, commands or code. py3langid takes shorter dish names for
Luxembourgish."""
SURE = 0.7
"""Minimum probability of a language. Of 8,700 English reviews and phrases, every text above it for
another language was in that language; wrong guesses had 0.2."""
WARNING_SHARE = 0.05
"""Share of the checked rows, on which a model for one language fails."""
MIN_ROWS_PER_LANGUAGE = 20
SHORTCUT_SHARE = 0.9
SHORTCUT_LIFT = 1.5
"""A language is a shortcut to a class if it has at least 20 texts, 90 % of them have that class,
and the class is 1.5 times as common among them as elsewhere."""
AKIN = 0.4
"""Vocabulary shared with main, relative to what main's texts share among themselves. Egyptian and
standard Arabic, written Wu and Mandarin, and Bokmål and Nynorsk are above it; Spanish and German
are far below it relative to English."""
SYMBOL = re.compile(r"[^\w\s.,;:!?'\"()-]+")
"""Symbols without a language, mostly emoji."""
NOT_LANGUAGE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|<[^<>]*>|&#?\w+;")


def find_languages(splits: Splits) -> list[Finding]:
    """One finding for rows that are clearly in another language than most, one for varieties of
    that language, and one for each language that nearly always means one class."""
    rows = all_rows(splits)
    checked = draw_sample(rows, MAX_ROWS)
    prose = checked["text"].map(_prose)
    checked, prose = checked[prose.map(_is_long_enough)], prose[prose.map(_is_long_enough)]
    if checked.empty:
        return []
    classified = [_identifier().classify(text) for text in prose]
    checked = checked.assign(
        language=[language for language, _ in classified],
        sure=[probability >= SURE for _, probability in classified],
    )
    checked = checked[checked["sure"]]
    if checked["language"].nunique() < 2:
        return []
    clause = sample_clause(min(len(rows), MAX_ROWS), len(rows))
    return [*_others(checked, clause), *_shortcuts(checked, splits.label_names)]


@cache
def _identifier() -> LanguageIdentifier:
    """py3langid with probabilities; a second to load."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _prose(text: str) -> str:
    return NOT_LANGUAGE.sub(" ", text[: 2 * MAX_CHARACTERS])[:MAX_CHARACTERS].strip()


def _is_long_enough(prose: str) -> bool:
    """Whether a text is long enough, and has sentences rather than a URL or emoji."""
    letters = SYMBOL.sub("", prose)
    if len(letters.encode()) < MIN_BYTES:
        return False
    is_ascii = not any(each.isalpha() and not each.isascii() for each in letters)
    return not is_ascii or len(letters.split()) >= MIN_WORDS


def _others(checked: pd.DataFrame, clause: str) -> list[Finding]:
    """One finding for languages that a model of the main language cannot read, and one for those it
    can."""
    counts = checked["language"].value_counts()
    main, others = counts.index[0], counts.iloc[1:]
    texts = {language: of["text"].tolist() for language, of in checked.groupby("language")}
    near = {name for name in others.index if are_akin(texts[main], texts[name])}
    findings = []
    for names, readable in ((set(others.index) - near, False), (near, True)):
        rows = checked[checked["language"].isin(names)]
        if rows.empty:
            continue
        is_common = not readable and len(rows) >= WARNING_SHARE * len(checked)
        severity: Severity = "warning" if is_common else "note"
        listing = ", ".join(f"{name} {n:,}" for name, n in others.items() if name in names)
        what = (
            f"that shares most words with {main}, the main language: a variety of it, or a "
            "wrong guess"
            if readable
            else f"than {main}, the main language"
        )
        harm = "" if readable else f"; a model pretrained on {main} alone cannot read them"
        message = (
            f"{counted_rows(len(rows))} ({percent(len(rows), len(checked))} of those with a clear "
            f"language{clause}) in another language {what}: {listing}{harm}"
        )
        findings.append(Finding(CHECK, severity, message, row_ids(rows)))
    return findings


def are_akin(main: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the other texts share nearly as many words with main as main's own texts share: then
    they are a variety of that language."""
    rows = [UNIT.findall(text.lower()) for text in main]
    n_texts = Counter(word for words in rows for word in set(words))
    own = _share(rows, {word for word, n in n_texts.items() if n > 1})
    return own > 0 and _share([UNIT.findall(t.lower()) for t in other], n_texts) >= AKIN * own


def _share(rows: Sequence[list[str]], vocabulary: Container[str]) -> float:
    """Share of the words in rows, by characters, that are in vocabulary."""
    n_all = sum(len(word) for words in rows for word in words)
    n_known = sum(len(word) for words in rows for word in words if word in vocabulary)
    return n_known / max(1, n_all)


def _shortcuts(checked: pd.DataFrame, label_names: tuple[str, ...]) -> list[Finding]:
    findings = []
    labels = labels_in(checked, len(label_names))
    for language, rows in checked.groupby("language"):
        is_language = (checked["language"] == language).to_numpy()
        counts = label_counts(labels[is_language], len(label_names))
        commonest = int(counts.argmax())
        elsewhere = rows_holding(labels[~is_language], commonest).mean()
        share = counts[commonest] / len(rows)
        if len(rows) < MIN_ROWS_PER_LANGUAGE or share < max(
            SHORTCUT_SHARE, SHORTCUT_LIFT * elsewhere
        ):
            continue
        message = (
            f"{counts[commonest]:,} of {len(rows):,} texts in {language} have the label "
            f"{label_names[commonest]!r}, against {100 * elsewhere:.0f} % of the others: "
            "a model can predict it from the language alone"
        )
        findings.append(Finding(CHECK, "warning", message, row_ids(rows)))
    return findings
