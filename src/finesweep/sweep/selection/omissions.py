"""Comparisons that failed: reported, but they never cost the sweep its winner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from optuna import Study

from finesweep.errors import ConfigError, reason
from finesweep.sweep.study.keys import OMISSIONS
from finesweep.tracking.outages import is_tracking_outage

T = TypeVar("T")


def try_comparison(make: Callable[[], T], study: Study, *, what: str) -> T | None:
    """The result of make; None when it fails, and the study then records the reason under what.

    A tracking outage is raised: the same call can succeed later.
    """
    others = {name: why for name, why in omissions(study).items() if name != what}
    try:
        result = make()
    except Exception as error:
        # is_tracking_outage also takes a missing file or an invalid config for an outage.
        if is_tracking_outage(error) and not isinstance(error, FileNotFoundError | ConfigError):
            raise
        omit(study, what, reason(error))
        return None
    if others != omissions(study):
        study.set_user_attr(OMISSIONS, others)
    return result


def omit(study: Study, what: str, why: str) -> None:
    """Records why a comparison, or a part of it, was left out."""
    study.set_user_attr(OMISSIONS, {**omissions(study), what: why})


def omissions(study: Study) -> Mapping[str, str]:
    """Comparison that failed → reason."""
    reasons: Mapping[str, str] = study.user_attrs.get(OMISSIONS, {})
    return reasons
