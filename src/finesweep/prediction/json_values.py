"""Cells of tables as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, time
from typing import Any

import numpy as np
import pandas as pd

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_text(cell: Any) -> str | None:
    """A text unchanged, anything else as JSON; None if it is missing."""
    value = json_value(cell)
    return value if value is None or isinstance(value, str) else encode(value)


def json_value(cell: Any) -> Any:
    """The cell as JSON's nearest type: None if it is missing or not finite, ISO 8601 for dates, and
    text for what JSON does not know."""
    if cell is None or isinstance(cell, str | int):
        return cell
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, Mapping):
        return {str(key): json_value(value) for key, value in cell.items()}
    if isinstance(cell, list | tuple | set | np.ndarray):
        return [json_value(each) for each in cell]
    if isinstance(cell, np.datetime64 | np.timedelta64):  # item() of nanoseconds is an integer
        return json_value(pd.Series([cell])[0])
    if isinstance(cell, np.generic):
        return json_value(cell.item())
    return _text(cell)


def _text(cell: Any) -> str | None:
    if pd.isna(cell):
        return None
    if isinstance(cell, date | time):
        return cell.isoformat()
    return cell.decode("utf-8", "backslashreplace") if isinstance(cell, bytes) else str(cell)
