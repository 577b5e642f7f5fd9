"""A comparison shows only what differs, names its sides by letter, and escapes what users named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from finesweep.errors import ConfigError
from finesweep.report.comparison import (
    Comparison,
    PairedTest,
    Score,
    Side,
    differing,
    sentence,
)
from finesweep.report.comparison_page import write_comparison
from finesweep.report.comparison_tables import tables_of
from finesweep.stats.paired_comparison import PairedComparison

PAIR = PairedComparison(
    rows=1200,
    accuracies=(0.9, 0.8),
    n_gained=150,
    n_lost=30,
    p=0.001,
    f1=(0.1, 0.05, 0.15),
    loss=(-0.1, -0.2, -0.05),
)
TEST = PairedTest("test", "A", "B", PAIR)
EVIL = "<script>alert('x')</script>"
COMPARISON = Comparison(
    of="runs",
    sides=(Side("A", EVIL, "train", "f" * 32), Side("B", "b", "trial", None)),
    settings={"dataset.label_map.<b>": (EVIL, None)},
    inputs={"data": ("0" * 64, "1" * 64)},
    facts={"state": ("COMPLETE", "PRUNED"), "model/bytes": (4056844.0, None)},
    scores={
        "test/accuracy": (Score(0.9, 0.88, 0.92), None),
        "test/mcc": (Score(0.8), Score(0.7)),
    },
    tests=(TEST,),
    notes=(f"{EVIL} is told.",),
)


def cells(title: str, *, all_scores: bool = False) -> tuple[tuple[str, ...], ...]:
    tables = {table.title: table for table in tables_of(COMPARISON, all_scores=all_scores)}
    return tables[title].rows


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([{"a": 1, "b": 2}, {"a": 1, "b": 3}], {"b": (2, 3)}),
        ([{"a": 1}, {}], {"a": (1, None)}),
        ([{"a": 1, "b": 2}, None, {"a": 1, "b": 3}], {"b": (2, None, 3)}),
        ([{"a": 1}, None], {}),
    ],
)
def test_only_what_differs_is_shown(
    columns: list[dict[str, int] | None], expected: dict[str, tuple[int, ...]]
) -> None:
    assert differing(columns) == expected


def test_an_input_that_one_did_not_record_makes_no_difference() -> None:
    assert differing([{"a": 1}, {}], is_complete=False) == {}
    assert differing([{"a": 1}, {}, {"a": 2}], is_complete=False) == {"a": (1, None, 2)}


def test_the_better_side_is_named_if_the_difference_is_significant() -> None:
    where = "on the same 1,200 test rows"
    assert sentence(TEST) == f"A is right more often than B {where} (p 0.001)."
    lost = replace(PAIR, n_gained=30, n_lost=150)
    assert sentence(replace(TEST, result=lost)).startswith("B is right more often than A")
    unsure = replace(TEST, result=replace(PAIR, p=0.06))
    assert sentence(unsure) == f"A and B do not differ significantly {where} (p 0.06)."


def test_scores_have_their_intervals_and_a_dash_where_there_is_none() -> None:
    (row,) = cells("scores, with 95 % intervals")
    assert row == ("test/accuracy", "0.9000 0.880…0.920", "–")
    assert len(cells("scores, with 95 % intervals", all_scores=True)) == 2
    assert cells("inputs that differ") == (("data", "0" * 12, "1" * 12),)
    assert cells("facts")[1] == ("model/bytes", "4,056,844", "–")


def test_a_paired_test_has_both_accuracies_and_its_differences() -> None:
    (row,) = cells("paired tests on the same rows: first minus second, with 95 % intervals")
    assert row[:5] == ("A − B", "test", "0.900 0.800", "150 : 30", "0.001")
    assert row[5:] == ("+0.100 +0.050…+0.150", "-0.100 -0.200…-0.050")


def test_the_page_escapes_names_values_and_notes(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    write_comparison(str(page), COMPARISON, field="--output")
    text = page.read_text()
    assert "<script" not in text
    assert "dataset.label_map.<b>" not in text
    assert text.count("&lt;script&gt;alert") == 5  # title, heading, side, setting, note
    assert "test/mcc" in text


def test_a_page_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    target = tmp_path / "none" / "page.html"
    with pytest.raises(ConfigError, match=r"--output: .*page\.html: No such file or directory"):
        write_comparison(str(target), COMPARISON, field="--output")
    assert list(tmp_path.iterdir()) == []
