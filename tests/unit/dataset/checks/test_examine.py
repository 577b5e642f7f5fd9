"""All checks together, and what dataset.checks=strict refuses."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tests.labelled import Rows, clean, splits_of

from finesweep.config.schema import DatasetConfig, SplitFiles
from finesweep.dataset import load_dataset
from finesweep.dataset.checks import CHECKS, examine, severe_problems
from finesweep.errors import ConfigError
from finesweep.records import SplitName


@pytest.mark.parametrize("check", CHECKS)
def test_clean_texts_give_no_finding(check: str) -> None:
    assert CHECKS[check](splits_of(clean(150))) == []


def leaky(n: int = 150) -> dict[SplitName, Rows]:
    """A copy in train, a tag, and eight rows of train in test."""
    rows = clean(n)
    rows["train"][20] = rows["train"][0]
    rows["train"][30] = ("a superb scene<br />and the river", 1)
    rows["test"][:8] = rows["train"][:8]
    return rows


def test_findings_come_severe_first_and_every_check_is_announced() -> None:
    announced: list[str] = []
    found = examine(splits_of(leaky()), on_check=announced.append)
    assert announced == list(CHECKS)
    assert [(finding.check, finding.severity) for finding in found] == [
        ("leakage", "severe"),
        ("duplicates", "note"),
        ("encoding", "note"),
    ]


def test_only_severe_findings_are_problems() -> None:
    assert severe_problems(splits_of(clean())) == []
    (problem,) = severe_problems(splits_of(leaky()))
    assert problem.path == "dataset.checks"
    assert problem.message.startswith("leakage: 8 rows of test (5.3 %) whose text is also in")
    assert problem.message.endswith("(test rows 1, 2, 3, 4, 5, …); `finesweep explore` shows all")


def config_of(folder: Path, rows: dict[SplitName, Rows], checks: str) -> DatasetConfig:
    files = {split: str(folder / f"{split}.csv") for split in rows}
    for split, some in rows.items():
        pd.DataFrame(some, columns=["text", "label"]).to_csv(files[split], index=False)
    return DatasetConfig(name="x", files=SplitFiles(**files), checks=checks)


def test_strict_refuses_what_is_severe_and_loads_what_is_not(tmp_path: Path) -> None:
    assert len(load_dataset(config_of(tmp_path, leaky(), "none")).test) == 150
    with pytest.raises(ConfigError, match=r"dataset\.checks: leakage: 8 rows of test"):
        load_dataset(config_of(tmp_path, leaky(), "strict"))
    few = leaky()
    few["test"] = clean()["test"]
    assert len(load_dataset(config_of(tmp_path, few, "strict")).test) == 60
