"""A model by URI → label scores for texts."""

from finesweep.prediction.classifier import Classifier, load_classifier

__all__ = ["Classifier", "load_classifier"]
