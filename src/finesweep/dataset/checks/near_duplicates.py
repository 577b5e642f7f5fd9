"""Texts that differ from another one in a few words only."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from finesweep.dataset.checks.rows import SPLITS, Rows, listed_rows, named, percent, together
from finesweep.dataset.checks.skeletons import skeletons
from finesweep.dataset.checks.sketches import estimates, jaccard, likely_pairs, sketches
from finesweep.dataset.mistakes import counted_rows
from finesweep.records import Finding, Severity, SplitName, Splits

CHECK = "near_duplicates"
THRESHOLD = 0.8
"""Jaccard similarity of 5-letter shingles (Lee et al. 2022 deduplicate language-model data at 0.8
too). One word of six letters replaced by another passes in texts of 90 letters or more; in shorter
ones only a few letters may differ, so that `I love it` is no near copy of `I hate it`."""
LIKELY = 0.65
"""Estimated from 60 hashes with a standard error of 0.05 at 0.8: three of them below."""
LEAST_LENGTH = 20
"""Letters; shorter texts pass the threshold only if they are equal but for a letter or two."""
SEVERE_SHARE = 0.05
"""Of a split's rows. Higher than for exact copies, as the changed word may change the answer."""
HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?[^/\s]+/?", re.IGNORECASE)


def find_near_duplicates(splits: Splits) -> list[Finding]:
    """For validation and test, rows with a near copy in train; for each split, those with one
    before them there. Equal texts are the business of other checks."""
    rows = _comparable(splits)
    firsts = rows.drop_duplicates("id")
    if len(firsts) < 2:
        return []
    twins = _twins(firsts)
    ids = {split: set(rows["id"][rows["split"] == split]) for split in SPLITS}
    sizes = {split: len(splits.frames[split]) for split in SPLITS}
    findings = []
    for split in ("validation", "test"):
        new = ids[split] - ids["train"]
        pairs = twins[twins["earlier"].isin(ids["train"]) & twins["later"].isin(new)]
        findings += _across(rows, pairs, split, n=sizes[split])
    for split in SPLITS:
        pairs = twins[twins["earlier"].isin(ids[split]) & twins["later"].isin(ids[split])]
        findings += _within(rows, pairs, split, n=sizes[split])
    return findings


def _comparable(splits: Splits) -> pd.DataFrame:
    """Rows of long enough texts, train first; ids tell the texts apart and ascend."""
    rows = together(splits)
    rows["skeleton"] = skeletons(rows["text"])
    rows = rows[rows["skeleton"].str.len() >= LEAST_LENGTH].copy()
    rows["id"] = pd.factorize(rows["skeleton"])[0]
    return rows


def _twins(texts: pd.DataFrame) -> pd.DataFrame:
    """Pairs of ids, earlier and later, and their similarity, of at least THRESHOLD."""
    bare, full = texts["skeleton"].tolist(), texts["text"].tolist()
    made = sketches(bare)
    codes = np.array([], dtype=np.int64)
    for earlier, later in likely_pairs(made, least=LIKELY):
        # Not numpy's union1d, whose hash table takes minutes for codes as regular as a template's.
        codes = pd.unique(np.concatenate([codes, earlier * len(bare) + later]))
    codes.sort()
    pairs = pd.DataFrame({"earlier": codes // len(bare), "later": codes % len(bare)})
    pairs["estimate"] = estimates(made, pairs["earlier"].to_numpy(), pairs["later"].to_numpy())
    # The likeliest of each split, so that a million copies of a template are done in a minute.
    pairs["split"] = texts["split"].to_numpy()[pairs["earlier"]]
    pairs = pairs.sort_values("estimate", kind="stable").drop_duplicates(
        ["later", "split"], keep="last"
    )
    pairs["similarity"] = [
        _similarity(bare[one], bare[two], full[one], full[two])
        for one, two in zip(pairs["earlier"].tolist(), pairs["later"].tolist(), strict=True)
    ]
    return pairs[pairs["similarity"] >= THRESHOLD]


def _similarity(one_bare: str, other_bare: str, one: str, other: str) -> float:
    """Of two texts, and of URLs and paths also without their hosts: pages of one site are not
    copies of one another because its name is long."""
    whole = jaccard(one_bare, other_bare)
    if whole < THRESHOLD or len(one.split()) > 1 or len(other.split()) > 1:
        return whole
    tails = skeletons(pd.Series([HOST.sub("", text.strip()) for text in (one, other)]))
    return min(whole, jaccard(tails[0], tails[1]))


def _across(rows: pd.DataFrame, pairs: pd.DataFrame, split: SplitName, *, n: int) -> list[Finding]:
    if pairs.empty:
        return []
    found = _later_rows(rows, pairs, split)
    severity: Severity = "severe" if len(found) >= SEVERE_SHARE * n else "warning"
    message = (
        f"{counted_rows(len(found))} of {split} ({percent(len(found), n)}) nearly like a text of "
        f"train, but for a few letters or words, as {_example(rows, pairs, 'train', split)}: a "
        f"model may answer from memory there, so {split} metrics may be too good; leave such texts "
        "out of train"
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
    return named(rows[(rows["split"] == split) & rows["id"].isin(pairs["later"])])


def _example(rows: pd.DataFrame, pairs: pd.DataFrame, first: SplitName, second: SplitName) -> str:
    """Row numbers of the most similar pair."""
    best = pairs.iloc[int(pairs["similarity"].argmax())]
    places: list[tuple[SplitName, int]] = []
    for split, number in ((first, best["earlier"]), (second, best["later"])):
        places += named(rows[(rows["split"] == split) & (rows["id"] == number)])[:1]
    return listed_rows(places)
