"""What a dossier shows beside the numbers: flipped rows, slices and a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from finesweep.registry import versions
from finesweep.registry.records import Scored
from finesweep.registry.rule import flipped
from finesweep.registry.versions import Version
from finesweep.tracking import TrackingStore

Wrong = dict[str, str]
"""text, truth and the wrong answer of one row."""


@dataclass(frozen=True)
class ReportData:
    """As far as the two runs keep them."""

    gained: list[Wrong]
    """Rows that the challenger alone gets right, with the champion's answers."""
    lost: list[Wrong]
    """Rows that the champion alone gets right, with the challenger's answers."""
    slices: list[dict[str, Any]]
    """slice, rows, and the accuracy of challenger and champion in it; None where not known."""
    picture: bytes | None
    """The challenger's test/answers.png."""


def report_data_of(
    store: TrackingStore,
    challenger: Version,
    champion: Version | None,
    new: Scored,
    old: Scored | None,
) -> ReportData:
    """new and old are the two on the same rows; the champion's own look may have been at others,
    of which then nothing is shown."""
    client = store.client
    looked = champion is not None and versions.test_fingerprint(client, champion)
    same = champion if looked == new.fingerprint else None
    gained, lost = ([], []) if old is None else (rows.tolist() for rows in flipped(new, old))
    newly = versions.wrong_rows(client, challenger) if lost else {}
    once = versions.wrong_rows(client, same) if gained and same else {}
    before = versions.slices(client, same) if same else {}
    return ReportData(
        gained=[once[row] for row in gained if row in once],
        lost=[newly[row] for row in lost if row in newly],
        slices=[
            {
                "slice": name,
                "rows": each["rows"],
                "challenger": each["accuracy"],
                "champion": before.get(name, {}).get("accuracy"),
            }
            for name, each in versions.slices(client, challenger).items()
        ],
        picture=versions.picture(client, challenger),
    )
