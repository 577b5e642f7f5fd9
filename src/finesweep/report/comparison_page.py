"""A comparison as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

from finesweep.disk import written_aside
from finesweep.errors import ConfigError, Problem
from finesweep.figures.page import render_page
from finesweep.report.comparison import Comparison, sentence
from finesweep.report.comparison_tables import tables_of


def write_comparison(path: str, comparison: Comparison, *, field: str) -> None:
    """Writes the page, whole or not at all; ConfigError, naming field, if it cannot be written."""
    page = render_page(
        "comparison.html.j2",
        comparison=comparison,
        sentences=list(map(sentence, comparison.tests)),
        tables=tables_of(comparison, all_scores=True),
    )
    try:
        with written_aside(Path(path)) as aside:
            aside.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(Problem(field, f"{path}: {error.strerror}")) from error
