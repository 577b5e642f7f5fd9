"""Predictions of a model, loaded by URI."""

from finesweep.prediction.classifier import Classifier, load_classifier

__all__ = ["Classifier", "load_classifier"]
