"""Predictions of a model, loaded by URI."""

from finesweep.prediction.classifier import Classifier, load_classifier
from finesweep.prediction.files import ModelFiles, find_model, pinned_uri, run_params

__all__ = [
    "Classifier",
    "ModelFiles",
    "find_model",
    "load_classifier",
    "pinned_uri",
    "run_params",
]
