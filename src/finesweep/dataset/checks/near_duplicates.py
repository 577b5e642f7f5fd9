"""Texts that differ from another one in a few words only."""

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
"""Jaccard similarity of 5-letter shingles (Lee et al. 2022 deduplicate language-model data at 0.8
too). One word of six letters replaced by another passes in texts of 90 letters or more; in shorter
ones only a few letters may differ, so that `I love it` is no near copy of `I hate it`."""
LIKELY = 0.65
"""Estimated from 60 hashes with a standard error of 0.05 at 0.8: three of them below."""
MIN_LENGTH = 20
"""Letters; shorter texts pass the threshold only if they are equal but for a letter or two."""
SEVERE_SHARE = 0.05
"""Of a split's rows. Higher than for exact copies, as the changed word may change the answer."""
DENSE = regex.compile(r"[[\p{lb=ID}\p{lb=CJ}]&&\w]", regex.V1)
"""Signs that say as much as a few letters, as those of Chinese and Japanese; they count for two, so
that a headline of ten is long enough, and a word of two is no larger a change than in English."""
HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?[^/\s]+/?", re.IGNORECASE)


def find_near_duplicates(splits: Splits) -> list[Finding]:
    """For each split and each that it must not share a text with, rows with a near copy there; for
    each split, those with one before them. Equal texts are the business of other checks."""
    rows, texts = _comparable(splits)
    if len(texts) < 2:
        return []
    twins = _twins(texts)
    ids = {split: set(rows["id"][rows["split"] == split]) for split in SPLITS}
    sizes = {split: len(splits.frames[split]) for split in SPLITS}
    findings = []
    for split, other in SPLIT_PAIRS:
        new = ids[split] - ids[other]
        pairs = twins[twins["earlier"].isin(ids[other]) & twins["later"].isin(new)]
        findings += _across(rows, pairs, split, other, n=sizes[split])
    for split in SPLITS:
        pairs = twins[twins["earlier"].isin(ids[split]) & twins["later"].isin(ids[split])]
        findings += _within(rows, pairs, split, n=sizes[split])
    return findings


def _comparable(splits: Splits) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split, number and id of each row of a long enough text, train first; and the texts, by id,
    with their skeletons and the split where they first stand."""
    rows = all_rows(splits)[["text", "split", "row"]]
    rows["normalised"] = [DENSE.sub(r"\g<0>\g<0>", each) for each in normalised(rows["text"])]
    rows = rows[rows["normalised"].str.len() >= MIN_LENGTH]
    ids = pd.factorize(rows["normalised"])[0]
    # The rows without their texts, of which a million take half a gigabyte.
    texts = rows[["text", "normalised", "split"]][~pd.Series(ids, rows.index).duplicated()]
    return rows[["split", "row"]].assign(id=ids), texts


def _twins(texts: pd.DataFrame) -> pd.DataFrame:
    """Pairs of ids, earlier and later, and their similarity, of at least THRESHOLD."""
    bare = texts["normalised"].tolist()
    # The likeliest of each split, so that a million copies of a template are done in minutes.
    earlier, later, _ = best_pairs(
        signatures(bare),
        texts["split"].map(SPLITS.index).to_numpy(),
        n_parts=len(SPLITS),
        least=LIKELY,
    )
    pairs = pd.DataFrame({"earlier": earlier, "later": later})
    pairs["similarity"] = [
        jaccard(bare[one], bare[two]) for one, two in zip(earlier, later, strict=True)
    ]
    pairs = pairs[pairs["similarity"] >= THRESHOLD]
    full = (texts["text"].iloc[pairs[side]] for side in ("earlier", "later"))
    pairs["similarity"] = np.minimum(pairs["similarity"], [*map(_beyond_hosts, *full)])
    return pairs[pairs["similarity"] >= THRESHOLD]


def _beyond_hosts(one: str, other: str) -> float:
    """1, but of URLs and paths the similarity without their hosts: pages of one site are not copies
    of one another because its name is long."""
    if len(one.split()) > 1 or len(other.split()) > 1:
        return 1.0
    tails = normalised(pd.Series([HOST.sub("", text.strip()) for text in (one, other)]))
    return jaccard(tails[0], tails[1])


def _across(
    rows: pd.DataFrame, pairs: pd.DataFrame, split: SplitName, other: SplitName, *, n: int
) -> list[Finding]:
    if pairs.empty:
        return []
    found = _later_rows(rows, pairs, split)
    severity: Severity = "severe" if len(found) >= SEVERE_SHARE * n else "warning"
    message = (
        f"{counted_rows(len(found))} of {split} ({percent(len(found), n)}) nearly like a text of "
        f"{other}, but for a few letters or words, as {_example(rows, pairs, other, split)}: a "
        f"model may answer from memory there, so {split} metrics may be too good; leave such texts "
        f"out of {other}"
    )
    return [Finding(CHECK, severity, message, found)]


def _within(rows: pd.DataFrame, pairs: pd.DataFrame, split: SplitName, *, n: int) -> list[Finding]:
    if pairs.empty:
        return []
    found = _later_rows(rows, pairs, split)
    message = (
        f"{counted_rows(len(found))} of {split} ({percent(len(found), n)}) nearly like one before, "
        f"but for a few letters or words, as {_example(rows, pairs, split, split)}: they tell "
        "little that is new, and weigh like whole examples"
    )
    return [Finding(CHECK, "note", message, found)]


def _later_rows(rows: pd.DataFrame, pairs: pd.DataFrame, split: SplitName) -> Rows:
    return row_ids(rows[(rows["split"] == split) & rows["id"].isin(pairs["later"])])


def _example(rows: pd.DataFrame, pairs: pd.DataFrame, first: SplitName, second: SplitName) -> str:
    """Row numbers of the most similar pair."""
    best = pairs.iloc[int(pairs["similarity"].argmax())]
    places: list[tuple[SplitName, int]] = []
    for split, number in ((first, best["earlier"]), (second, best["later"])):
        places += row_ids(rows[(rows["split"] == split) & (rows["id"] == number)])[:1]
    return listed_rows(places)
