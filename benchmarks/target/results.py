"""The results file: one JSON object a line for each finished peer, data set and seed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Key = tuple[str, int, str]
"""Data set, seed and peer."""


class Results:
    """What has been measured so far; each addition is on disk at once."""

    def __init__(self, path: Path, sizes: Mapping[str, int]) -> None:
        """ValueError when the file holds runs of other sizes, which cannot be compared."""
        self.path, self.sizes = path, dict(sizes)
        self.records = {key_of(record): record for record in read_records(path)}
        for record in self.records.values():
            if record["sizes"] != self.sizes:
                raise ValueError(
                    f"{path} holds runs with {record['sizes']} rows, not {self.sizes}; name "
                    "another file with --results"
                )

    def add(self, record: Mapping[str, Any]) -> None:
        whole = {**record, "sizes": self.sizes}
        # After a line that a kill has cut, a new one starts.
        cut = self.path.exists() and not self.path.read_text().endswith("\n")
        with self.path.open("a") as file:
            file.write("\n" * cut + json.dumps(whole) + "\n")
        self.records[key_of(whole)] = whole


def key_of(record: Mapping[str, Any]) -> Key:
    return record["dataset"], record["seed"], record["peer"]


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The file's records; a last line that was cut by a kill is left out, and is run again."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue
