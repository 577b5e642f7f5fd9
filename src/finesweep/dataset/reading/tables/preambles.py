"""Lines above the header of a delimited file: Excel's `sep=;`, comments, titles."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from itertools import islice

N_ABOVE = 20
"""Lines searched for a header."""
EXCELS = re.compile(r'"?sep=.?"?[,;\t]*\s*', re.IGNORECASE)
"""A first line that Excel reads, but does not show."""


def n_lines_above(lines: Iterable[str], expected: set[str], separators: Sequence[str]) -> int:
    """Number of lines above the header, which has all expected names: blank lines, comments and
    lines with fewer cells. 0 if there is no such header, or if all lines above it are blank."""
    above: list[str] = []
    for line in islice(lines, N_ABOVE):
        for separator in separators:
            width = _width(line, separator, expected)
            if width and all(_is_no_row(each, separator, width) for each in above):
                return len(above) if any(each.strip() for each in above) else 0
        above.append(line)
    return 1 if above and EXCELS.fullmatch(above[0]) else 0


def _width(line: str, separator: str, expected: set[str]) -> int:
    """Number of cells of a header; 0 if the line is not one. A single name may be a text."""
    cells = _cells(line, separator)
    return len(cells) if len(cells) > 1 and expected <= set(cells) else 0


def _is_no_row(line: str, separator: str, width: int) -> bool:
    return line.startswith("#") or len(_cells(line, separator)) < width


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])
