"""Texts in another language than most, and languages that stand for a class."""

from __future__ import annotations

import re
from functools import cache

import pandas as pd
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from finesweep.dataset.checks.rows import named, of_sample, percent, sampled, together
from finesweep.dataset.labels import label_counts, labels_in
from finesweep.dataset.mistakes import counted_rows
from finesweep.labelsets import rows_holding
from finesweep.records import Finding, Severity, Splits

CHECK = "languages"
MOST_ROWS = 5_000
"""Looked at: half a millisecond each."""
MOST_CHARACTERS = 300
"""Of a text: more do not change its language."""
LEAST_BYTES = 60
LEAST_WORDS = 8
"""For ASCII, which may be names, commands or code instead of sentences. Below this length py3langid
takes dish names for Luxembourgish."""
SURE = 0.7
"""Probability of a language. Among 8,700 English reviews and phrases every text with so much for
another one was in that language; what was guessed wrongly had 0.2."""
WARNING_SHARE = 0.05
"""Of the rows looked at: a model for one language fails on so many."""
LEAST_OF_LANGUAGE = 20
SHORTCUT_SHARE = 0.9
SHORTCUT_LIFT = 1.5
"""A language is a shortcut to a class when at least 20 of its texts are known, 90 % of them are of
that class, and the class is 1.5 times as common among them as elsewhere."""
NOT_LANGUAGE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|<[^<>]*>|&#?\w+;")


def find_languages(splits: Splits) -> list[Finding]:
    """One finding for rows that are surely in another language than most, and one for each language
    that nearly always means one class."""
    rows = together(splits)
    seen = sampled(rows, MOST_ROWS)
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
    clause = of_sample(min(len(rows), MOST_ROWS), len(rows))
    return [_others(seen, clause), *_shortcuts(seen, splits.label_names)]


@cache
def _identifier() -> LanguageIdentifier:
    """py3langid with probabilities; a second to load."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _prose(text: str) -> str:
    return NOT_LANGUAGE.sub(" ", text[: 2 * MOST_CHARACTERS])[:MOST_CHARACTERS].strip()


def _is_telling(prose: str) -> bool:
    """Long enough, and sentences rather than a URL."""
    if len(prose.encode()) < LEAST_BYTES:
        return False
    return not prose.isascii() or len(prose.split()) >= LEAST_WORDS


def _others(seen: pd.DataFrame, clause: str) -> Finding:
    counts = seen["language"].value_counts()
    main, others = counts.index[0], counts.iloc[1:]
    found = seen[seen["language"] != main]
    severity: Severity = "warning" if len(found) >= WARNING_SHARE * len(seen) else "note"
    listing = ", ".join(f"{language} {n:,}" for language, n in others.head(5).items())
    message = (
        f"{counted_rows(len(found))} ({percent(len(found), len(seen))} of those with a clear "
        f"language{clause}) in another language than {main}, as most are: {listing}"
        f"{', …' if len(others) > 5 else ''}; a model pretrained on {main} alone cannot read them"
    )
    return Finding(CHECK, severity, message, named(found))


def _shortcuts(seen: pd.DataFrame, label_names: tuple[str, ...]) -> list[Finding]:
    findings = []
    labels = labels_in(seen, len(label_names))
    for language, found in seen.groupby("language"):
        there = (seen["language"] == language).to_numpy()
        counts = label_counts(labels[there], len(label_names))
        commonest = int(counts.argmax())
        elsewhere = rows_holding(labels[~there], commonest).mean()
        share = counts[commonest] / len(found)
        if len(found) < LEAST_OF_LANGUAGE or share < max(SHORTCUT_SHARE, SHORTCUT_LIFT * elsewhere):
            continue
        message = (
            f"{counts[commonest]:,} of {len(found):,} texts in {language} have the label "
            f"{label_names[commonest]!r}, against {100 * elsewhere:.0f} % of the others: "
            "a model can answer from the language alone"
        )
        findings.append(Finding(CHECK, "warning", message, named(found)))
    return findings
