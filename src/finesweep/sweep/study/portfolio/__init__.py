"""Known-good settings that a sweep tries first: those of its models, fitted to its search space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finesweep.sweep.study.keys import PORTFOLIO


def portfolio_in(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Params of the first trials after the enqueued ones, from a study's user attributes.

    They are kept there, so that a study continues with its own when the portfolio has changed.
    """
    return list(attributes.get(PORTFOLIO, {}).get("params", []))


def portfolio_note(attributes: Mapping[str, Any]) -> str:
    """What the user is told about them; empty without a portfolio."""
    return str(attributes.get(PORTFOLIO, {}).get("note", ""))
