"""Predictions of a model, loaded by URI."""

from finesweep.prediction.classifier import Classifier
from finesweep.prediction.loading import load_classifier

__all__ = ["Classifier", "load_classifier"]
