"""The promotion dossier: why a challenger became champion, or did not, to be read and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from finesweep.figures.page import document, escaped, picture, table
from finesweep.records import Decision
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
    verdict = "promoted" if made["promoted"] else "refused"
    title = f"{made['model']} version {made['challenger']['version']}: {verdict}"
    checks = [
        (c["name"], "passed" if c["passed"] else "FAILED", c["found"]) for c in made["checks"]
    ]
    parts = [
        f"<h1>{escaped(title)}</h1>",
        f"<p class=verdict>{escaped(verdict)} by {escaped(made['mode'])}</p>",
        _table(("condition", "", "found"), checks) if checks else "<p>no gate was set</p>",
    ]
    if made["rows_needed"]:
        parts.append(f"<p>About {made['rows_needed']:,} test rows would decide it.</p>")
    if made["numbers"]:
        parts += ["<h2>The comparison</h2>", _table(("", ""), list(made["numbers"].items()))]
    if made["slices"]:
        rows = [tuple(each.values()) for each in made["slices"]]
        headings = ("", "rows", "challenger", "champion")
        parts += ["<h2>Accuracy by slice</h2>", _table(headings, rows)]
    if drawn is not None:
        parts += [
            "<h2>How far the challenger's answers can be trusted</h2>",
            picture(drawn, "calibration, coverage"),
        ]
    for name in ("gained", "lost"):
        if made[name]:
            rows = [(row["text"], row["truth"], row["wrong"]) for row in made[name]]
            parts += [f"<h2>Rows {name}</h2>", _table(("text", "truth", "wrong answer"), rows)]
    parts += ["<h2>The two models</h2>", _models(made)]
    return document(title, parts)


def _models(made: Mapping[str, Any]) -> str:
    challenger, champion = made["challenger"], made["champion"] or {}
    names = [name for name in challenger if name != "metrics"]
    rows = [(name, challenger.get(name, ""), champion.get(name, "")) for name in names]
    metrics = challenger["metrics"]
    old = champion.get("metrics", {})
    rows += [(name, metrics[name], old.get(name, "")) for name in sorted(metrics)]
    return _table(("", "challenger", "champion"), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return table(headings, [[_shown(each) for each in row] for row in rows])


def _shown(value: Any) -> str:
    if value is None:
        return "not known"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
