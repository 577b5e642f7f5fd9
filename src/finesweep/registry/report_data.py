"""The dossier's data besides the figures: flipped rows, slices and a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from finesweep.registry import versions
from finesweep.registry.records import Scored
from finesweep.registry.rule import flipped
from finesweep.registry.versions import Version
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


def report_data_of(
    store: TrackingStore,
    challenger: Version,
    champion: Version | None,
    new: Scored,
    old: Scored | None,
) -> ReportData:
    """The dossier's data from both runs.

    new and old are challenger and champion on the same rows. A champion whose own run was evaluated
    on other rows contributes nothing.
    """
    client = store.client
    fingerprint = champion is not None and versions.test_fingerprint(client, champion)
    comparable = champion if fingerprint == new.fingerprint else None
    gained, lost = ([], []) if old is None else (rows.tolist() for rows in flipped(new, old))
    new_errors = versions.wrong_rows(client, challenger) if lost else {}
    old_errors = versions.wrong_rows(client, comparable) if gained and comparable else {}
    old_slices = versions.slices(client, comparable) if comparable else {}
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
    )
