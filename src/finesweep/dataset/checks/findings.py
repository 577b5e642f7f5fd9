"""Row numbers of findings, shares of rows in words, and samples for slow checks."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from finesweep.records import SPLITS, SplitName, Splits

SEED = 42
"""Seed of every sample that a check draws, so that the same data has the same findings."""

Rows = tuple[tuple[SplitName, int], ...]


def rows_where(masks: Mapping[SplitName, pd.Series]) -> Rows:
    """(split, row number) of every True, in the order of the splits; masks are indexed by row
    number."""
    return tuple((split, int(row)) for split, mask in masks.items() for row in mask.index[mask])


def row_ids(rows: pd.DataFrame) -> Rows:
    """(split, row number) of each row of a table with columns split and row."""
    return tuple(zip(rows["split"], rows["row"].tolist(), strict=True))


def percent(count: int, of: int) -> str:
    """`12 %`, `0.4 %`, `under 0.1 %`."""
    share = 100 * count / of
    if 0 < share < 0.1:
        return "under 0.1 %"
    return f"{share:.0f} %" if share >= 10 else f"{share:.1f} %"


def all_rows(splits: Splits) -> pd.DataFrame:
    """All rows of all splits, train first, with columns text, label, split and row."""
    frames = [splits.frames[split].assign(split=split) for split in SPLITS]
    return pd.concat(frames).rename_axis("row").reset_index()


def draw_sample(frame: pd.DataFrame, max_rows: int) -> pd.DataFrame:
    """At most max_rows random rows, in their order."""
    if len(frame) <= max_rows:
        return frame
    return frame.sample(max_rows, random_state=SEED).sort_index()


def sample_clause(n_sampled: int, n_rows: int) -> str:
    """A clause with the sample's size; empty if all rows were checked."""
    return "" if n_sampled == n_rows else f" in a sample of {n_sampled:,} of {n_rows:,} rows"
