"""The MLflow runs of a study's trials, found by the study's own id."""

from __future__ import annotations

from finesweep.tracking import Run, TrackingStore, find_runs


def run_of(store: TrackingStore, study_uid: str, number: int) -> Run | None:
    """The trial's MLflow run; None while it has not been delivered."""
    found = find_runs(store, {"finesweep.uid": f"{study_uid}/{number}"})
    return found[0] if found else None
