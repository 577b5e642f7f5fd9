"""Rows as findings name them, shares of rows in words, and samples for checks that are dear."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from finesweep.records import SPLITS, SplitName, Splits

SEED = 42
"""Of every sample that a check draws, so that the same data has the same findings."""

Rows = tuple[tuple[SplitName, int], ...]


def rows_where(masks: Mapping[SplitName, pd.Series]) -> Rows:
    """(split, row number) of every True, in the order of the splits; masks have the rows' index."""
    return tuple((split, int(row)) for split, mask in masks.items() for row in mask.index[mask])


def row_ids(rows: pd.DataFrame) -> Rows:
    """The same of a table with columns split and row."""
    return tuple(zip(rows["split"], rows["row"].tolist(), strict=True))


def percent(count: int, of: int) -> str:
    """`12 %`, `0.4 %`, `under 0.1 %`."""
    share = 100 * count / of
    if 0 < share < 0.1:
        return "under 0.1 %"
    return f"{share:.0f} %" if share >= 10 else f"{share:.1f} %"


def all_rows(splits: Splits) -> pd.DataFrame:
    """All rows of all splits, train first: columns text, label, split and row."""
    frames = [splits.frames[split].assign(split=split) for split in SPLITS]
    return pd.concat(frames).rename_axis("row").reset_index()


def draw_sample(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many of its rows, in their order."""
    if len(frame) <= most:
        return frame
    return frame.sample(most, random_state=SEED).sort_index()


def sample_clause(n_seen: int, n_rows: int) -> str:
    """A clause that says how many rows were looked at; empty when all were."""
    return "" if n_seen == n_rows else f" in a sample of {n_seen:,} of {n_rows:,} rows"
