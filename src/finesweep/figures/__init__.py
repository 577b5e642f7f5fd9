"""Figures and HTML pages from plain values."""

from finesweep.figures.calibration import calibration_figure
from finesweep.figures.confusion import confusion_matrix_figure
from finesweep.figures.curves import training_curves_figure
from finesweep.figures.label_confusion import label_confusion_figure

__all__ = [
    "calibration_figure",
    "confusion_matrix_figure",
    "label_confusion_figure",
    "training_curves_figure",
]
