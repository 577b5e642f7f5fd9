"""Texts that differ from another text in only a few words."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import regex

from finesweep.dataset.checks.findings import Rows, all_rows, percent, row_ids
from finesweep.dataset.checks.leakage import SPLIT_PAIRS
from finesweep.dataset.checks.minhash import best_pairs, jaccard, signatures
from finesweep.dataset.checks.normalise import normalised
from finesweep.records import SPLITS, Finding, Severity, SplitName, Splits
from finesweep.wording import counted_rows, listed_rows

CHECK = "near_duplicates"
THRESHOLD = 0.8
"""Minimum Jaccard similarity of 5-letter shingles, as in Lee et al. 2022 for language-model data.
In texts of 90 letters or more, one replaced word of six letters passes; in shorter ones only a few
letters may differ, so that `I love it` is no near duplicate of `I hate it`."""
MIN_ESTIMATE = 0.65
"""Minimum estimated similarity: 60 hashes have a standard error of 0.05 at 0.8; this is three
below."""
MIN_LENGTH = 20
"""Letters; shorter texts pass the threshold only if they differ in a letter or two."""
SEVERE_SHARE = 0.05
"""Share of a split's rows. Higher than for exact duplicates, as the changed word may change the
label."""
DENSE = regex.compile(r"[[\p{lb=ID}\p{lb=CJ}]&&\w]", regex.V1)
"""Characters that say as much as several letters, as in Chinese and Japanese. They count twice, so
that a headline of ten is long enough, and a word of two is as small a change as in English."""
HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?[^/\s]+/?", re.IGNORECASE)


def find_near_duplicates(splits: Splits) -> list[Finding]:
    """Rows with a near duplicate in another split, for each pair of splits that must not share
    texts, and rows with an earlier one in their own split. Other checks find equal texts."""
    rows, texts = _comparable(splits)
    if len(texts) < 2:
        return []
    near = _similar_pairs(texts)
    ids = {split: set(rows["id"][rows["split"] == split]) for split in SPLITS}
    sizes = {split: len(splits.frames[split]) for split in SPLITS}
    findings = []
    for split, other in SPLIT_PAIRS:
        new = ids[split] - ids[other]
        pairs = near[near["earlier"].isin(ids[other]) & near["later"].isin(new)]
        findings += _across(rows, pairs, split, other, n=sizes[split])
    for split in SPLITS:
        pairs = near[near["earlier"].isin(ids[split]) & near["later"].isin(ids[split])]
        findings += _within(rows, pairs, split, n=sizes[split])
    return findings


def _comparable(splits: Splits) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split, number and text id of each row whose text is long enough, train first; and the texts
    by id, with their normalised form and the first split that has them."""
    rows = all_rows(splits)[["text", "split", "row"]]
    rows["normalised"] = [DENSE.sub(r"\g<0>\g<0>", each) for each in normalised(rows["text"])]
    rows = rows[rows["normalised"].str.len() >= MIN_LENGTH]
    ids = pd.factorize(rows["normalised"])[0]
    # Rows without their texts, which take half a gigabyte per million.
    texts = rows[["text", "normalised", "split"]][~pd.Series(ids, rows.index).duplicated()]
    return rows[["split", "row"]].assign(id=ids), texts


def _similar_pairs(texts: pd.DataFrame) -> pd.DataFrame:
    """Pairs of ids, earlier and later, with their similarity of at least THRESHOLD."""
    normalised_texts = texts["normalised"].tolist()
    # Only the best pair per split, so that a million copies of a template take minutes.
    earlier, later, _ = best_pairs(
        signatures(normalised_texts),
        texts["split"].map(SPLITS.index).to_numpy(),
        n_parts=len(SPLITS),
        min_similarity=MIN_ESTIMATE,
    )
    pairs = pd.DataFrame({"earlier": earlier, "later": later})
    pairs["similarity"] = [
        jaccard(normalised_texts[one], normalised_texts[two])
        for one, two in zip(earlier, later, strict=True)
    ]
    pairs = pairs[pairs["similarity"] >= THRESHOLD]
    full = (texts["text"].iloc[pairs[side]] for side in ("earlier", "later"))
    pairs["similarity"] = np.minimum(pairs["similarity"], [*map(_beyond_hosts, *full)])
    return pairs[pairs["similarity"] >= THRESHOLD]


def _beyond_hosts(one: str, other: str) -> float:
    """1, but for URLs and paths their similarity without the host: a long host name does not make
    pages of one site near duplicates."""
    if len(one.split()) > 1 or len(other.split()) > 1:
        return 1.0
    tails = normalised(pd.Series([HOST.sub("", text.strip()) for text in (one, other)]))
    return jaccard(tails[0], tails[1])


def _across(
    rows: pd.DataFrame, pairs: pd.DataFrame, split: SplitName, other: SplitName, *, n: int
) -> list[Finding]:
    if pairs.empty:
        return []
    near = _later_rows(rows, pairs, split)
    severity: Severity = "severe" if len(near) >= SEVERE_SHARE * n else "warning"
    message = (
        f"{counted_rows(len(near))} of {split} ({percent(len(near), n)}) with nearly the text of a "
        f"{other} row, such as {_example(rows, pairs, other, split)}: a model may memorise such "
        f"texts, so {split} metrics may be too good; remove them from {other}"
    )
    return [Finding(CHECK, severity, message, near)]


def _within(rows: pd.DataFrame, pairs: pd.DataFrame, split: SplitName, *, n: int) -> list[Finding]:
    if pairs.empty:
        return []
    near = _later_rows(rows, pairs, split)
    message = (
        f"{counted_rows(len(near))} of {split} ({percent(len(near), n)}) with nearly the text of "
        f"an earlier row, such as {_example(rows, pairs, split, split)}: they add little "
        "information, but count fully"
    )
    return [Finding(CHECK, "note", message, near)]


def _later_rows(rows: pd.DataFrame, pairs: pd.DataFrame, split: SplitName) -> Rows:
    return row_ids(rows[(rows["split"] == split) & rows["id"].isin(pairs["later"])])


def _example(rows: pd.DataFrame, pairs: pd.DataFrame, first: SplitName, second: SplitName) -> str:
    """Row numbers of the most similar pair, in words."""
    best = pairs.iloc[int(pairs["similarity"].argmax())]
    example: list[tuple[SplitName, int]] = []
    for split, number in ((first, best["earlier"]), (second, best["later"])):
        example += row_ids(rows[(rows["split"] == split) & (rows["id"] == number)])[:1]
    return listed_rows(example)
