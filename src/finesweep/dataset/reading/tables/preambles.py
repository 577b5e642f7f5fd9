"""What stands above the header of a delimited file: Excel's `sep=;`, comments, titles."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from itertools import islice

N_ABOVE = 20
"""Lines among which a header is looked for."""
EXCELS = re.compile(r'"?sep=.?"?[,;\t]*\s*', re.IGNORECASE)
"""A first line that Excel reads, and does not show."""


def n_lines_above(lines: Iterable[str], wanted: set[str], separators: Sequence[str]) -> int:
    """How many of the lines stand above the header, which holds all wanted names: blank ones,
    comments and such as have fewer cells. 0 where there is no such header, and also where all
    above it are blank."""
    above: list[str] = []
    for line in islice(lines, N_ABOVE):
        for separator in separators:
            width = _width(line, separator, wanted)
            if width and all(_is_no_row(each, separator, width) for each in above):
                return len(above) if any(each.strip() for each in above) else 0
        above.append(line)
    return 1 if above and EXCELS.fullmatch(above[0]) else 0


def _width(line: str, separator: str, wanted: set[str]) -> int:
    """The number of a header's cells; 0 where the line is none. A lone name may be a text."""
    cells = _cells(line, separator)
    return len(cells) if len(cells) > 1 and wanted <= set(cells) else 0


def _is_no_row(line: str, separator: str, width: int) -> bool:
    return line.startswith("#") or len(_cells(line, separator)) < width


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])
