"""What the results say: ratios to the target, losses at fixed times, and winners' fresh losses."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from target.peers import TPE

Record = Mapping[str, Any]
SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Times of the anytime table, as shares of the reference's whole time."""
MISSED = 0.0
"""Ratio of a sweep that never reached its target: below every other."""
SMALLEST_UNIT = 0.01
"""In nats."""


def report(records: Sequence[Record]) -> str:
    """All tables as text."""
    pairs = with_reference(records)
    if not pairs:
        return f"no results with peer {TPE} yet, which defines the target"
    parts = [
        ratio_table(pairs, "cpu"),
        ratio_table(pairs, "wall", sets=False),
        anytime_table(pairs),
    ]
    return "\n\n".join(filter(None, [*parts, fresh_table(pairs), pace_table(records)]))


def with_reference(records: Iterable[Record]) -> list[tuple[Record, Record]]:
    """Each record beside the reference's of the same set and seed, where there is one."""
    records = list(records)
    theirs = {(r["dataset"], r["seed"]): r for r in records if r["peer"] == TPE}
    keys = [(r["dataset"], r["seed"]) for r in records]
    return [(r, theirs[key]) for r, key in zip(records, keys, strict=True) if key in theirs]


def ratio(record: Record, reference: Record, clock: str) -> float:
    """The reference's whole time over the time to its best loss; MISSED if that is not reached."""
    target = reference["trajectory"][-1]["best"]
    for end in record["trajectory"]:
        if end["best"] is not None and end["best"] <= target:
            return float(reference["trajectory"][-1][clock] / end[clock])
    return MISSED


def ratio_table(pairs: Sequence[tuple[Record, Record]], clock: str, *, sets: bool = True) -> str:
    """For each peer, over all and on each set: quartiles of the ratio, and how many missed."""
    lines = [
        f"{TPE}'s whole time over the time to its best loss, {clock} seconds",
        f"{'peer':<24}{'set':<16}{'runs':>5}{'missed':>8}{'quartile':>10}{'median':>10}"
        f"{'quartile':>10}",
    ]
    for peer in ordered(pairs, "peer"):
        of_peer = [pair for pair in pairs if pair[0]["peer"] == peer]
        for dataset in (*(ordered(of_peer, "dataset") if sets else ()), None):
            ratios = [
                ratio(ours, theirs, clock)
                for ours, theirs in of_peer
                if dataset in (ours["dataset"], None)
            ]
            shown = "".join(f"{_ratio_text(each):>10}" for each in quartiles(ratios))
            n_missed = sum(each == MISSED for each in ratios)
            lines.append(f"{peer:<24}{dataset or 'all':<16}{len(ratios):>5}{n_missed:>8}{shown}")
    return "\n".join(lines)


def quartiles(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile: observed values, since a missed run has no size;
    of two in the middle the lower."""
    low, middle = np.quantile(ratios, [0.25, 0.5], method="lower")
    return float(low), float(middle), float(np.quantile(ratios, 0.75, method="higher"))


def _ratio_text(value: float) -> str:
    return "missed" if value == MISSED else f"{value:.2f}"


def standardized(loss: float | None, reference: Record) -> float:
    """0 is the target, 1 the loss of always answering the classes' shares; 1 without a loss.

    Where the reference has learned next to nothing, the unit is SMALLEST_UNIT.
    """
    target = reference["trajectory"][-1]["best"]
    if loss is None:
        return 1.0
    return float((loss - target) / max(reference["chance"] - target, SMALLEST_UNIT))


def loss_at(record: Record, cpu: float) -> float | None:
    """The best loss of the trials that had ended by then."""
    known = [end["best"] for end in record["trajectory"] if end["cpu"] <= cpu]
    return known[-1] if known else None


def anytime_table(pairs: Sequence[tuple[Record, Record]]) -> str:
    """Mean standardised loss of each peer at fixed shares of the reference's time."""
    head = "".join(f"{f'{share:.0%}':>9}" for share in SHARES)
    lines = [
        f"best loss so far at shares of {TPE}'s CPU seconds: 0 its target, 1 the classes' "
        "shares; mean of sets' means",
        f"{'peer':<24}{'sets':>5}{head}",
    ]
    for peer in ordered(pairs, "peer"):
        of_peer = [pair for pair in pairs if pair[0]["peer"] == peer]
        means = [
            statistics.fmean(
                means_of_sets(
                    of_peer,
                    lambda ours, theirs, share=share: standardized(
                        loss_at(ours, share * theirs["trajectory"][-1]["cpu"]), theirs
                    ),
                )
            )
            for share in SHARES
        ]
        n_sets = len(ordered(of_peer, "dataset"))
        lines.append(f"{peer:<24}{n_sets:>5}" + "".join(f"{mean:>9.2f}" for mean in means))
    return "\n".join(lines)


def means_of_sets(pairs: Sequence[tuple[Record, Record]], value_of: Any) -> list[float]:
    """The mean of each set's runs."""
    return [
        statistics.fmean(
            value_of(ours, theirs) for ours, theirs in pairs if ours["dataset"] == dataset
        )
        for dataset in ordered(pairs, "dataset")
    ]


def fresh_table(pairs: Sequence[tuple[Record, Record]]) -> str:
    """Each peer's winner with fresh seeds: its loss, and its difference from the reference's."""
    lines = [
        f"winners trained again with fresh seeds: loss, and difference from {TPE}'s winner "
        "with a 95 % interval over sets",
        f"{'peer':<24}{'sets':>5}{'searched':>10}{'fresh':>9}{'difference':>12}   interval",
    ]
    for peer in ordered(pairs, "peer"):
        of_peer = [p for p in pairs if p[0]["peer"] == peer and p[0]["fresh"] and p[1]["fresh"]]
        if not of_peer:
            continue
        searched = means_of_sets(of_peer, lambda ours, _: ours["trajectory"][-1]["best"])
        fresh = means_of_sets(of_peer, lambda ours, _: statistics.fmean(ours["fresh"]))
        apart = means_of_sets(of_peer, fresh_difference)
        low, high = interval(apart)
        lines.append(
            f"{peer:<24}{len(apart):>5}{statistics.fmean(searched):>10.4f}"
            f"{statistics.fmean(fresh):>9.4f}{statistics.fmean(apart):>+12.4f}   "
            f"{low:+.4f} to {high:+.4f}"
        )
    return "\n".join(lines)


def fresh_difference(ours: Record, theirs: Record) -> float:
    return statistics.fmean(ours["fresh"]) - statistics.fmean(theirs["fresh"])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """A 95 % t-interval of the mean; infinite with one value."""
    if len(values) < 2:
        return -math.inf, math.inf
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return statistics.fmean(values) - half, statistics.fmean(values) + half


def pace_table(records: Sequence[Record]) -> str:
    """How fast the machine was while each peer ran; peers with equal paces can be compared."""
    lines = []
    for peer in dict.fromkeys(record["peer"] for record in records):
        paces = [each for r in records if r["peer"] == peer for each in r.get("pace", ())]
        if paces:
            lines.append(f"{peer:<24}{statistics.median(paces):>10.1f}")
    head = "CPU milliseconds of one fixed product of matrices beside each peer, median"
    return "\n".join([head, *lines]) if lines else ""


def ordered(pairs: Iterable[tuple[Record, Record]], name: str) -> list[str]:
    """The distinct values of a field, in the order of the results."""
    return list(dict.fromkeys(ours[name] for ours, _ in pairs))
