"""Texts in another language than most, and languages that stand for a class."""

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
"""Looked at: half a millisecond each."""
MAX_CHARACTERS = 300
"""Of a text: more do not change its language."""
MIN_BYTES = 60
MIN_WORDS = 8
"""For ASCII, which may be names, commands or code instead of sentences. Below this length py3langid
takes dish names for Luxembourgish."""
SURE = 0.7
"""Probability of a language. Among 8,700 English reviews and phrases every text with so much for
another one was in that language; what was guessed wrongly had 0.2."""
WARNING_SHARE = 0.05
"""Of the rows looked at: a model for one language fails on so many."""
MIN_ROWS_PER_LANGUAGE = 20
SHORTCUT_SHARE = 0.9
SHORTCUT_LIFT = 1.5
"""A language is a shortcut to a class when at least 20 of its texts are known, 90 % of them are of
that class, and the class is 1.5 times as common among them as elsewhere."""
AKIN = 0.4
"""Of what main's texts share among themselves: Egyptian and standard Arabic, Wu and Mandarin as
they are written, Bokmål and Nynorsk lie above it, Spanish and German far below among English."""
SYMBOL = re.compile(r"[^\w\s.,;:!?'\"()-]+")
"""Emoji above all, which have no language."""
NOT_LANGUAGE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|<[^<>]*>|&#?\w+;")


def find_languages(splits: Splits) -> list[Finding]:
    """One finding for rows that are surely in another language than most, one for varieties of that
    language, and one for each language that nearly always means one class."""
    rows = all_rows(splits)
    seen = draw_sample(rows, MAX_ROWS)
    prose = seen["text"].map(_prose)
    seen, prose = seen[prose.map(_is_telling)], prose[prose.map(_is_telling)]
    if seen.empty:
        return []
    guesses = [_identifier().classify(text) for text in prose]
    seen = seen.assign(
        language=[language for language, _ in guesses], sure=[sure >= SURE for _, sure in guesses]
    )
    seen = seen[seen["sure"]]
    if seen["language"].nunique() < 2:
        return []
    clause = sample_clause(min(len(rows), MAX_ROWS), len(rows))
    return [*_others(seen, clause), *_shortcuts(seen, splits.label_names)]


@cache
def _identifier() -> LanguageIdentifier:
    """py3langid with probabilities; a second to load."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _prose(text: str) -> str:
    return NOT_LANGUAGE.sub(" ", text[: 2 * MAX_CHARACTERS])[:MAX_CHARACTERS].strip()


def _is_telling(prose: str) -> bool:
    """Long enough, and sentences rather than a URL or emoji."""
    letters = SYMBOL.sub("", prose)
    if len(letters.encode()) < MIN_BYTES:
        return False
    is_ascii = not any(each.isalpha() and not each.isascii() for each in letters)
    return not is_ascii or len(letters.split()) >= MIN_WORDS


def _others(seen: pd.DataFrame, clause: str) -> list[Finding]:
    """One finding for languages that a model of the commonest cannot read, and one for those that
    it can."""
    counts = seen["language"].value_counts()
    main, others = counts.index[0], counts.iloc[1:]
    texts = {language: of["text"].tolist() for language, of in seen.groupby("language")}
    near = {name for name in others.index if are_akin(texts[main], texts[name])}
    findings = []
    for names, readable in ((set(others.index) - near, False), (near, True)):
        found = seen[seen["language"].isin(names)]
        if found.empty:
            continue
        is_common = not readable and len(found) >= WARNING_SHARE * len(seen)
        severity: Severity = "warning" if is_common else "note"
        listing = ", ".join(f"{name} {n:,}" for name, n in others.items() if name in names)
        what = (
            f"whose words are mostly those of {main}, as most are: varieties of one language, or "
            "wrong guesses"
            if readable
            else f"than {main}, as most are"
        )
        harm = "" if readable else f"; a model pretrained on {main} alone cannot read them"
        message = (
            f"{counted_rows(len(found))} ({percent(len(found), len(seen))} of those with a clear "
            f"language{clause}) in another language {what}: {listing}{harm}"
        )
        findings.append(Finding(CHECK, severity, message, row_ids(found)))
    return findings


def are_akin(main: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the other texts hold nearly as many of main's words as main's own texts have in
    common: a variety of that language, which its readers read too."""
    rows = [UNIT.findall(text.lower()) for text in main]
    n_texts = Counter(word for words in rows for word in set(words))
    own = _share(rows, {word for word, n in n_texts.items() if n > 1})
    return own > 0 and _share([UNIT.findall(t.lower()) for t in other], n_texts) >= AKIN * own


def _share(rows: Sequence[list[str]], known: Container[str]) -> float:
    """Of the characters of all words in rows, those of known words."""
    n_all = sum(len(word) for words in rows for word in words)
    n_known = sum(len(word) for words in rows for word in words if word in known)
    return n_known / max(1, n_all)


def _shortcuts(seen: pd.DataFrame, label_names: tuple[str, ...]) -> list[Finding]:
    findings = []
    labels = labels_in(seen, len(label_names))
    for language, found in seen.groupby("language"):
        there = (seen["language"] == language).to_numpy()
        counts = label_counts(labels[there], len(label_names))
        commonest = int(counts.argmax())
        elsewhere = rows_holding(labels[~there], commonest).mean()
        share = counts[commonest] / len(found)
        if len(found) < MIN_ROWS_PER_LANGUAGE or share < max(
            SHORTCUT_SHARE, SHORTCUT_LIFT * elsewhere
        ):
            continue
        message = (
            f"{counts[commonest]:,} of {len(found):,} texts in {language} have the label "
            f"{label_names[commonest]!r}, against {100 * elsewhere:.0f} % of the others: "
            "a model can answer from the language alone"
        )
        findings.append(Finding(CHECK, "warning", message, row_ids(found)))
    return findings
