"""Comparisons that could not be made: told, and no reason to lose a winner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from optuna import Study

from finesweep.errors import ConfigError, reason
from finesweep.sweep.study.keys import OMISSIONS
from finesweep.tracking.outages import is_tracking_outage

T = TypeVar("T")


def try_comparison(make: Callable[[], T], study: Study, *, what: str) -> T | None:
    """What make returns; None when it cannot, and the study then knows why, under what.

    A store that is away is raised: the same call can succeed later.
    """
    known = {name: why for name, why in omissions(study).items() if name != what}
    try:
        made = make()
    except Exception as error:
        # is_tracking_outage takes a missing file and a wrong config for a store that is away.
        if is_tracking_outage(error) and not isinstance(error, FileNotFoundError | ConfigError):
            raise
        study.set_user_attr(OMISSIONS, {**known, what: reason(error)})
        return None
    if known != omissions(study):
        study.set_user_attr(OMISSIONS, known)
    return made


def omissions(study: Study) -> Mapping[str, str]:
    """What was not compared → why."""
    known: Mapping[str, str] = study.user_attrs.get(OMISSIONS, {})
    return known
