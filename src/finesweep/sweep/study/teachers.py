"""The teachers of a sweep, fixed when its study begins: a champion that changes later does not
change its trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from finesweep.config import SweepPlan
from finesweep.config.compose import TEACHER
from finesweep.config.field_paths import leaf
from finesweep.sweep.study.keys import TEACHERS

if TYPE_CHECKING:
    from finesweep.runs.teachers import Teacher

SET_NO_TEACHER = ("model", "dataset")
"""Groups whose choices have no field of training."""


def read_teachers(plan: SweepPlan) -> dict[str, dict[str, Any]]:
    """training.teacher as given → what the study records of the teacher that it means now.

    ConfigError when one of them is no trained classifier.
    """
    if not _may_distil(plan):
        return {}

    from finesweep.runs.teachers import read_teacher  # loads torch and MLflow
    from finesweep.sweep.study.search_space import trial_inputs

    given = dict.fromkeys(each.teacher for each in trial_inputs(plan) if each.teacher)
    uri = plan.base.config.tracking.uri
    return {name: asdict(read_teacher(name, tracking_uri=uri)) for name in given}


def with_teachers(plan: SweepPlan, attributes: Mapping[str, Any]) -> SweepPlan:
    """The plan whose trials have the teachers that the study's user attributes record."""
    recorded = attributes.get(TEACHERS, {})
    return replace(plan, teachers={given: each["uri"] for given, each in recorded.items()})


def recorded_teacher(attributes: Mapping[str, Any], uri: str | None) -> Teacher | None:
    """What the study records of the teacher with this version; None if it has none."""
    from finesweep.runs.teachers import Teacher

    records = attributes.get(TEACHERS, {}).values()
    return next((Teacher.from_record(each) for each in records if each["uri"] == uri), None)


def _may_distil(plan: SweepPlan) -> bool:
    """Whether a trial can have a teacher, without composing any."""
    paths = {item.path for item in plan.searched} | {item.path for item in plan.conditional}
    groups = {path for path in paths if leaf(path) is None}
    return (
        plan.base.config.training.teacher is not None
        or TEACHER in paths
        or any(TEACHER in params for params in plan.enqueued)
        or not groups <= set(SET_NO_TEACHER)
    )
