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

NUMBERS = {
    "rows": "test rows",
    "gained": "rows that only the challenger gets right",
    "lost": "rows that only the champion gets right",
    "difference": "difference of accuracy",
    "difference_low": "its interval, from",
    "difference_high": "its interval, to",
    "p": "p value",
    "alpha_of_look": "maximum p value at this attempt",
    "look": "attempt on these test rows",
    "margin": "accuracy that may be lost",
}
"""Number of a decision → its name on the page."""
SCORES = ("score", "challenger", "95 % interval", "champion")


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
        "champion": _on_these_rows(champion, data.champion_scores) if champion else None,
        "intervals": data.intervals,
        "baseline": data.baseline,
        "slices": data.slices,
        "gained": data.gained[:N_FLIPPED],
        "lost": data.lost[:N_FLIPPED],
    }


def _on_these_rows(run: Mapping[str, Any], scores: Mapping[str, float]) -> dict[str, Any]:
    """The run, with these scores for its own on the test rows, which may have been others."""
    costs = {name: value for name, value in run["metrics"].items() if not _is_score(name)}
    return {**run, "metrics": {**scores, **costs}}


def _is_score(name: str) -> bool:
    return name.startswith("test/")


def as_json(dossier: Mapping[str, Any]) -> str:
    return json.dumps(dossier, indent=2, ensure_ascii=False)


def as_html(dossier: Mapping[str, Any], chart: bytes | None) -> str:
    """One self-contained page; every text in it is escaped. chart is the challenger's PNG."""
    champion, rows = dossier["champion"], _scores(dossier)
    return render_page(
        "promotion.html.j2",
        dossier=dossier,
        chart=chart,
        against=f"champion, version {champion['version']}" if champion else None,
        checks=[
            (check["name"], "passed" if check["passed"] else "FAILED", check["found"])
            for check in dossier["checks"]
        ],
        comparison=[(NUMBERS.get(name, name), n) for name, n in dossier["numbers"].items()],
        scores=_columns(SCORES, [row for row in rows if _is_score(row[0])]),
        costs=_columns(SCORES, [row for row in rows if not _is_score(row[0])]),
        slices=_columns(
            ("slice", "rows", "challenger", "champion"),
            [tuple(each.values()) for each in dossier["slices"]],
        ),
        flipped={
            name: [(row["text"], row["truth"], row["wrong"]) for row in dossier[name]]
            for name in ("gained", "lost")
        },
        origins=_columns(("", "challenger", "champion"), _origins(dossier)),
    )


def _scores(dossier: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Each of the challenger's metrics, with its interval and the champion's value."""
    new, old = dossier["challenger"]["metrics"], (dossier["champion"] or {}).get("metrics", {})
    rows = []
    for name in sorted(new):
        low, high = dossier["intervals"].get(name, (None, None))
        interval = "" if low is None else f"{low:.4f} … {high:.4f}"
        rows.append((name, new[name], interval, old.get(name, "")))
    return rows


def _origins(dossier: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Where the two models come from."""
    new, old = dossier["challenger"], dossier["champion"] or {}
    names = [name for name in new if name != "metrics"]
    return [(name.replace("_", " "), new[name], old.get(name, "")) for name in names]


def _columns(
    headings: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The table without the columns that are empty in every row."""
    kept = [
        place
        for place in range(len(headings))
        if place == 0 or any(row[place] not in ("", None) for row in rows)
    ]
    return [headings[k] for k in kept], [tuple(row[k] for k in kept) for row in rows]
