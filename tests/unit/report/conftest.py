"""One finished sweep, read once: tests change its record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.report.made import best_of, decide, leader, made_study, record

from finesweep.report.records import SweepRecord


@pytest.fixture(scope="session")
def sweep() -> SweepRecord:
    """16 trials of two models, with a winner, its run and every comparison."""
    study = made_study(16)
    decide(study)
    return replace(record(study), leader=leader(best_of(study)), train_command="finesweep train")
