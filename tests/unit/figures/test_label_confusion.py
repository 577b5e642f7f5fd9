"""The confusion figure of several labels."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.unit.figures.drawing import drawn

from finesweep.figures import label_confusion_figure
from finesweep.figures.label_confusion import COLUMNS, MAX_LABELS

pytestmark = pytest.mark.slow

COUNTS = np.array([[[70, 10], [5, 15]], [[98, 2], [0, 0]]])


def draw(counts: np.ndarray, names: list[str]) -> Figure:
    figure = label_confusion_figure(counts, names, title="test $ _x_: 60 of 100 right")
    return drawn(figure)


def rows(figure: Figure) -> list[list[str]]:
    texts = [text.get_text() for text in figure.axes[0].texts]
    return [texts[k : k + len(COLUMNS)] for k in range(0, len(texts), len(COLUMNS))]


def test_each_label_shows_its_true_and_false_positives_and_negatives() -> None:
    assert rows(draw(COUNTS, ["rude $x$", "loud"])) == [
        ["15\n75.0 %", "5\n25.0 %", "10\n12.5 %", "70\n87.5 %"],
        ["0\n–", "0\n–", "2\n2.0 %", "98\n98.0 %"],
    ]


def test_of_many_labels_the_most_frequent_are_drawn() -> None:
    counts = np.tile([[90, 5], [1, 4]], (MAX_LABELS + 5, 1, 1))
    counts[3] = [[100, 0], [0, 0]]
    figure = draw(counts, [f"label {c}" for c in range(len(counts))])
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(names) == MAX_LABELS
    assert "label 3" not in names
    assert f"the {MAX_LABELS} most frequent of {len(counts)} labels" in figure.axes[
        0
    ].get_title().replace("\n", " ")


def test_counts_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^counts must be \[3, 2, 2\], not \[2, 2, 2\]$"):
        label_confusion_figure(COUNTS, ["a", "b", "c"], title="")
