"""Predictions of a model, loaded by URI."""

from finesweep.prediction.classifier import Classifier
from finesweep.prediction.files import ModelFiles, find_model, pinned_uri, run_params
from finesweep.prediction.loading import load_classifier

__all__ = [
    "Classifier",
    "ModelFiles",
    "find_model",
    "load_classifier",
    "pinned_uri",
    "run_params",
]
