"""MLflow runs of a study's trials, found by the study's uid."""

from __future__ import annotations

from finesweep.tracking import Run, TrackingStore, find_runs


def run_of(store: TrackingStore, study_uid: str, number: int) -> Run | None:
    """The trial's MLflow run; None while it has not been delivered."""
    runs = find_runs(store, {"finesweep.uid": f"{study_uid}/{number}"})
    return runs[0] if runs else None
