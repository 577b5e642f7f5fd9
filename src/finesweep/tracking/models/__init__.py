"""Logging models to MLflow so that they predict as they were evaluated."""

from finesweep.tracking.models.classifier import log_classifier
from finesweep.tracking.models.ensemble import log_ensemble, member_folders

__all__ = ["log_classifier", "log_ensemble", "member_folders"]
