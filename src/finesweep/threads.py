"""The number of threads that the environment gives to OpenMP's libraries."""

from __future__ import annotations

import os

OMP_NUM_THREADS = "OMP_NUM_THREADS"


def given_threads(variable: str = OMP_NUM_THREADS) -> int | None:
    """The variable's number for the outermost of nested levels (`2` of `2,1`); None without a
    positive one, as OpenMP ignores others."""
    first = os.environ.get(variable, "").partition(",")[0].strip()
    return int(first) or None if first.isdecimal() else None
