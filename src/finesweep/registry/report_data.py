"""The dossier's data besides the figures: flipped rows, slices and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from finesweep.registry import versions
from finesweep.registry.records import Scored
from finesweep.registry.rule import flipped
from finesweep.registry.versions import Version
from finesweep.stats.paired_tests import gained_and_lost, mcnemar
from finesweep.stats.predictions import are_correct
from finesweep.tracking import TrackingStore

Wrong = dict[str, str]
"""text, truth and the wrong prediction of one row."""


@dataclass(frozen=True)
class ReportData:
    """Data of the two runs, as far as they have been logged."""

    gained: list[Wrong]
    """Rows that only the challenger gets right, with the champion's predictions."""
    lost: list[Wrong]
    """Rows that only the champion gets right, with the challenger's predictions."""
    slices: list[dict[str, Any]]
    """slice, rows, and the accuracy of challenger and champion in it; None where unknown."""
    picture: bytes | None
    """The challenger's test/answers.png."""
    intervals: dict[str, list[float]] = field(default_factory=dict)
    """`test/name` → low and high of the challenger's 95 % interval."""
    champion_scores: Mapping[str, float] = field(default_factory=dict)
    """`test/name` → the champion's score on the challenger's test rows, whatever rows its own run
    was evaluated on."""
    baseline: str = "It was not compared with TF-IDF: its sweep has no baseline for these rows."
    """One sentence: whether the challenger beats TF-IDF with logistic regression."""


def baseline_sentence(right: np.ndarray, baseline_right: np.ndarray, *, alpha: float = 0.05) -> str:
    """Whether a model beats TF-IDF on the same rows, by McNemar's exact one-sided test.

    right and baseline_right [N] bool: the rows that each gets right.
    """
    n_gained, n_lost = map(len, gained_and_lost(right, baseline_right))
    p = mcnemar(n_gained, n_lost)
    verdict = "beats TF-IDF" if p <= alpha else "does not beat TF-IDF significantly"
    return (
        f"It {verdict} with logistic regression on the same {len(right):,} test rows:"
        f" right on {n_gained:,} more, wrong on {n_lost:,} (p {p:.2g})."
    )


def report_data_of(
    store: TrackingStore,
    challenger: Version,
    champion: Version | None,
    new: Scored,
    old: Scored | None,
) -> ReportData:
    """The dossier's data from both runs.

    new and old are challenger and champion on the same rows. The files of a champion's run that was
    evaluated on other rows are left out.
    """
    client = store.client
    fingerprint = champion is not None and versions.test_fingerprint(client, champion)
    comparable = champion if fingerprint == new.fingerprint else None
    gained, lost = ([], []) if old is None else (rows.tolist() for rows in flipped(new, old))
    new_errors = versions.wrong_rows(client, challenger) if lost else {}
    old_errors = versions.wrong_rows(client, comparable) if gained and comparable else {}
    old_slices = versions.slices(client, comparable) if comparable else {}
    baseline = versions.baseline_right(client, challenger)
    right = are_correct(new.predicted, new.labels)
    is_same = baseline is not None and len(baseline) == len(right)
    told = (
        {"baseline": baseline_sentence(right, baseline)} if baseline is not None and is_same else {}
    )
    return ReportData(
        gained=[old_errors[row] for row in gained if row in old_errors],
        lost=[new_errors[row] for row in lost if row in new_errors],
        slices=[
            {
                "slice": name,
                "rows": each["rows"],
                "challenger": each["accuracy"],
                "champion": old_slices.get(name, {}).get("accuracy"),
            }
            for name, each in versions.slices(client, challenger).items()
        ],
        picture=versions.picture(client, challenger),
        intervals=versions.intervals(client, challenger),
        champion_scores={} if old is None else old.metrics,
        **told,
    )
