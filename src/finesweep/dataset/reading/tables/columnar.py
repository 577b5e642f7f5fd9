"""Parquet, and Arrow as written by Feather and `datasets`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from finesweep.dataset.reading.pieces import Piece, TableFile

if TYPE_CHECKING:
    import datasets

HUGGING_FACE = b"huggingface"
"""Metadata key of a schema that `datasets` wrote, with its features."""


def read_parquet(file: TableFile, n_rows: int) -> Iterator[Piece]:
    """The rows; columns of lists contain lists."""
    # ParquetFile, because read_table adds columns for folders named key=value.
    with pq.ParquetFile(file.path) as stored:
        total, n_read, names = stored.metadata.num_rows, 0, class_names(stored.schema_arrow)
        for batch in stored.iter_batches(batch_size=n_rows):
            n_read += len(batch)
            table = pa.Table.from_batches([batch]).to_pandas(ignore_metadata=True)
            yield Piece(table, n_read / total, names)


def read_arrow(file: TableFile, n_rows: int) -> Iterator[Piece]:
    """The rows of an IPC file or stream, read whole, since its batches may have any size."""
    with pa.memory_map(str(file.path)) as source:
        try:
            table = ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            table = ipc.open_stream(source).read_all()
        names = class_names(table.schema)
        for start in range(0, len(table), n_rows):
            rows = table.slice(start, n_rows).to_pandas(ignore_metadata=True)
            yield Piece(rows, min(1.0, (start + n_rows) / len(table)), names)


def class_names(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """Column → names of its ClassLabel, or of its lists' ClassLabel, if `datasets` wrote the
    schema."""
    if HUGGING_FACE not in (schema.metadata or {}):
        return {}
    import datasets  # takes over a second, and only its own files need it

    features = {}
    # Another version's schema may be unreadable; the numbers are still there.
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        features = datasets.Features.from_arrow_schema(schema)
    return feature_names(features)


def feature_names(features: datasets.Features) -> dict[str, tuple[str, ...]]:
    """Column → names of its ClassLabel, or of its lists' ClassLabel."""
    import datasets

    inner = {name: getattr(each, "feature", each) for name, each in features.items()}
    return {
        name: tuple(each.names)
        for name, each in inner.items()
        if isinstance(each, datasets.ClassLabel)
    }
