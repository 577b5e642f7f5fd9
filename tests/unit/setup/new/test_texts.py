"""The YAML of new files: any text survives it, in one line."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from finesweep.setup.new.texts import dataset_text, scalar

AWKWARD = [
    "1e5", "yes", "null", "a: b", "${x}", "\\${x}", "日本", "a\nb", "\u2028x", "#", "- x", "'\"",
    "", " x ", "1.10", "!x", "a\\", "<script>", {"1e5": None, "${a}": "${b}"}, ["${a}", "1"], 0.2,
]  # fmt: skip


@pytest.mark.parametrize("value", AWKWARD, ids=repr)
def test_a_value_is_read_back_as_it_was(value: Any) -> None:
    line = scalar(value)
    assert len(line.splitlines()) == 1
    read = OmegaConf.create(f"field: {line}  # comment")
    assert OmegaConf.to_container(read, resolve=True) == {"field": value}


def test_the_file_says_what_was_guessed_and_names_its_schema() -> None:
    fields = {"name": "reviews", "path": "a.csv", "label_column": "stars"}
    text = dataset_text(fields, {"label_column": "2 labels: '1', '2'"}, purpose="6 rows.")
    assert text.splitlines() == [
        "# 6 rows.   finesweep explore dataset=reviews",
        "# yaml-language-server: $schema=../../.finesweep/dataset.schema.json",
        "name: reviews",
        "path: a.csv",
        "label_column: stars                 # 2 labels: '1', '2'",
    ]
