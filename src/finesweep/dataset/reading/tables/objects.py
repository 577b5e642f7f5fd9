"""JSON: an object per line, or one document that is an array or an object of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import pandas as pd

from finesweep.dataset.reading.encodings import detect_encoding, note_replaced_characters, open_text
from finesweep.dataset.reading.pieces import Piece, TableFile
from finesweep.dataset.reading.tables.headers import column_names
from finesweep.errors import ConfigError, Problem

Json = Any
N_SAMPLE = 200


def read_json(file: TableFile, n_rows: int) -> Iterator[Piece]:
    """The rows of JSON lines, of an array, or of the only list in an object."""
    encoding = detect_encoding(file)
    note_replaced_characters(file, encoding)
    with open_text(file, encoding) as (text, share_read):
        numbered = ((number, line) for number, line in enumerate(text, 1) if line.strip())
        start = list(islice(numbered, 2))
        if _is_lines([line for _, line in start]):
            rows = (_json_row(line, number) for number, line in chain(start, numbered))
            while chunk := list(islice(rows, n_rows)):
                columns = {key: [row.get(key) for row in chunk] for key in _keys(chunk)}
                yield Piece(pd.DataFrame(columns, dtype=object), share_read())
            return
    with open_text(file, encoding) as (text, _):
        content = text.read()
    table = _table(file, _document(content))
    for start_row in range(0, len(table), n_rows):
        piece = table.iloc[start_row : start_row + n_rows].reset_index(drop=True)
        yield Piece(piece, min(1.0, (start_row + n_rows) / len(table)))


def _is_lines(start: Sequence[str]) -> bool:
    """Whether the file's first lines, at most two, are JSON lines; a broken first line counts as
    one."""
    try:
        first = json.loads(start[0])
    except (json.JSONDecodeError, IndexError):
        return bool(start) and _is_broken_row(start[0])
    if len(start) > 1:
        return isinstance(first, dict)
    return isinstance(first, dict) and not _is_document(first)


def _is_document(first: Mapping[str, Json]) -> bool:
    """Whether a file's only object contains its rows, and is not a row itself."""
    holds_rows = bool(_records_in(first)) or _lists(first) is not None or _is_split(first)
    return holds_rows or all(isinstance(value, dict) for value in first.values())


def _is_split(document: Mapping[str, Json]) -> bool:
    """Whether it has pandas' format `split`: column names, and lists of cells."""
    return isinstance(document.get("columns"), list) and isinstance(document.get("data"), list)


def _is_broken_row(line: str) -> bool:
    """Whether the line starts and ends an object, unlike a document's first line."""
    stripped = line.strip()
    return stripped.startswith("{") and stripped.endswith("}")


def _json_row(line: str, number: int) -> dict[str, Json]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"line {number} is not JSON ({error.msg}); expected one {{...}} per line"
        ) from None
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is not an object; expected one {{...}} per line")
    return {key: _whole_characters(value) for key, value in row.items()}


def _document(content: str) -> Json:
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        position = f"line {error.lineno}, column {error.colno}"
        expected = "expected an array of {...} or one {...} per line"
        raise ValueError(f"not JSON at {position} ({error.msg}); {expected}") from None


def _table(file: TableFile, document: Json) -> pd.DataFrame:
    """The rows of a whole document; ConfigError if it contains several lists of rows."""
    if isinstance(document, list):
        return _of_array(file, document)
    if not isinstance(document, dict):
        raise ValueError(f"a {type(document).__name__} is not a table; expected an array")
    if _is_split(document):
        return pd.DataFrame(document["data"], columns=document["columns"], dtype=object)
    keys = _records_in(document)
    if len(keys) > 1:
        message = f"{file.path} contains {len(keys)} lists of rows, {', '.join(keys)}; save each"
        raise ConfigError(Problem("dataset", f"{message} as its own file, and set dataset.files"))
    if keys:
        file.note(f"read as the list {keys[0]!r} of its only object")
        return _of_records(document[keys[0]])
    if (columns := _lists(document)) is not None:
        return _frame(columns)
    return _of_objects(file, document)


def _of_array(file: TableFile, rows: Sequence[Json]) -> pd.DataFrame:
    kinds = {type(row) for row in rows}
    if kinds == {dict}:
        return _of_records(rows)
    if kinds == {list} and len({len(row) for row in rows}) == 1:
        names, is_data = column_names(file, rows[0], rows[1:N_SAMPLE])
        data = rows if is_data else rows[1:]
        return _frame({name: [row[k] for row in data] for k, name in enumerate(names)})
    if kinds == {str}:
        return _frame({file.format.texts[0]: list(rows)})
    names_of_kinds = sorted(kind.__name__ for kind in kinds)
    content = " and ".join(names_of_kinds) or "nothing"
    raise ValueError(f"its array contains {content}; expected objects")


def _of_objects(file: TableFile, document: Mapping[str, Json]) -> pd.DataFrame:
    """Rows of pandas' formats column → row → value and row → column → value."""
    values = list(document.values())
    if not values or not all(isinstance(value, dict) for value in values):
        return _of_records([dict(document)])
    if set(file.format.texts) <= set(document):
        rows = _keys(values)
        return _frame(
            {
                name: [values_by_row.get(row) for row in rows]
                for name, values_by_row in document.items()
            }
        )
    return _of_records(values)


def _records_in(document: Mapping[str, Json]) -> list[str]:
    """Keys whose value is a list of objects."""
    return [
        key
        for key, value in document.items()
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value)
    ]


def _lists(document: Mapping[str, Json]) -> dict[str, list[Json]] | None:
    """The document if it has one list per column, all of equal length; else None."""
    lists = {key: value for key, value in document.items() if isinstance(value, list)}
    same = len({len(value) for value in lists.values()}) == 1
    return lists if lists and same and len(lists) == len(document) else None


def _of_records(rows: Sequence[Mapping[str, Json]]) -> pd.DataFrame:
    return _frame({key: [row.get(key) for row in rows] for key in _keys(rows)})


def _frame(columns: Mapping[str, list[Json]]) -> pd.DataFrame:
    whole = {key: [_whole_characters(each) for each in values] for key, values in columns.items()}
    return pd.DataFrame(whole, dtype=object)


def _whole_characters(value: Json) -> Json:
    """The value, with half surrogate pairs in its texts, as in truncated tweets, replaced by
    U+FFFD."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole_characters(each) for each in value]
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(each) for key, each in value.items()}
    return value


def _keys(rows: Sequence[Mapping[str, Json]]) -> list[str]:
    """All keys, in order of first appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))
