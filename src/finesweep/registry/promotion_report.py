"""The promotion dossier: why a challenger became champion, or did not, to be read and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from finesweep.figures.page import render_page
from finesweep.registry.records import Decision
from finesweep.registry.report_data import ReportData

N_FLIPPED = 20
"""Examples of each kind."""


def dossier(
    decision: Decision,
    *,
    model: str,
    challenger: Mapping[str, Any],
    champion: Mapping[str, Any] | None,
    exhibits: ReportData,
) -> dict[str, Any]:
    """All of it as one mapping: dossier.json.

    challenger and champion say version, run, metrics and what they were made from.
    """
    return {
        "model": model,
        "promoted": decision.promoted,
        "mode": decision.mode,
        "checks": [asdict(check) for check in decision.checks],
        "numbers": dict(decision.numbers),
        "rows_needed": decision.rows_needed,
        "challenger": dict(challenger),
        "champion": dict(champion) if champion else None,
        "slices": exhibits.slices,
        "gained": exhibits.gained[:N_FLIPPED],
        "lost": exhibits.lost[:N_FLIPPED],
    }


def as_json(made: Mapping[str, Any]) -> str:
    return json.dumps(made, indent=2, ensure_ascii=False)


def as_html(made: Mapping[str, Any], drawn: bytes | None) -> str:
    """One self-contained page; every text in it is escaped. drawn is a PNG of the challenger."""
    return render_page(
        "promotion.html.j2",
        made=made,
        drawn=drawn,
        checks=[
            (c["name"], "passed" if c["passed"] else "FAILED", c["found"]) for c in made["checks"]
        ],
        slices=[tuple(each.values()) for each in made["slices"]],
        flipped={
            name: [(row["text"], row["truth"], row["wrong"]) for row in made[name]]
            for name in ("gained", "lost")
        },
        models=_models(made["challenger"], made["champion"] or {}),
    )


def _models(challenger: Mapping[str, Any], champion: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What the two were made from, then their metrics, side by side."""
    names = [name for name in challenger if name != "metrics"]
    rows = [(name, challenger.get(name, ""), champion.get(name, "")) for name in names]
    new, old = challenger["metrics"], champion.get("metrics", {})
    return rows + [(name, new[name], old.get(name, "")) for name in sorted(new)]
