"""Figures are drawn without pyplot, whose state and windows are the caller's."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
PROGRAM = """
import io, sys
import numpy
from finesweep.figures import confusion_matrix_figure
from finesweep.figures.phrases import clouds_figure

for figure in (
    confusion_matrix_figure(numpy.eye(2, dtype=int), ["a", "b"], title=""),
    clouds_figure([[("word", 3)]], ["a"], title="", seed=1),
):
    figure.savefig(io.BytesIO(), format="png")
    print("matplotlib.pyplot" in sys.modules)
"""


def test_drawing_never_loads_pyplot() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert run.stdout.split() == ["False", "False"], run.stderr
