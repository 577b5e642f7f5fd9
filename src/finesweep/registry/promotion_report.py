"""The promotion dossier: why a challenger did or did not become champion, as JSON and HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from finesweep.figures.page import render_page
from finesweep.registry.records import Decision
from finesweep.registry.report_data import ReportData

N_FLIPPED = 20
"""Maximum number of gained and of lost rows shown."""


def build_dossier(
    decision: Decision,
    *,
    model: str,
    challenger: Mapping[str, Any],
    champion: Mapping[str, Any] | None,
    data: ReportData,
) -> dict[str, Any]:
    """The dossier as one mapping, as in dossier.json.

    challenger and champion are run descriptions: version, run, metrics and provenance.
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
        "slices": data.slices,
        "gained": data.gained[:N_FLIPPED],
        "lost": data.lost[:N_FLIPPED],
    }


def as_json(dossier: Mapping[str, Any]) -> str:
    return json.dumps(dossier, indent=2, ensure_ascii=False)


def as_html(dossier: Mapping[str, Any], chart: bytes | None) -> str:
    """One self-contained page; every text in it is escaped. chart is the challenger's PNG."""
    return render_page(
        "promotion.html.j2",
        dossier=dossier,
        chart=chart,
        checks=[
            (check["name"], "passed" if check["passed"] else "FAILED", check["found"])
            for check in dossier["checks"]
        ],
        slices=[tuple(each.values()) for each in dossier["slices"]],
        flipped={
            name: [(row["text"], row["truth"], row["wrong"]) for row in dossier[name]]
            for name in ("gained", "lost")
        },
        models=_models(dossier["challenger"], dossier["champion"] or {}),
    )


def _models(challenger: Mapping[str, Any], champion: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Provenance of the two models, then their metrics, side by side."""
    names = [name for name in challenger if name != "metrics"]
    rows = [(name, challenger.get(name, ""), champion.get(name, "")) for name in names]
    new, old = challenger["metrics"], champion.get("metrics", {})
    return rows + [(name, new[name], old.get(name, "")) for name in sorted(new)]
