"""The command that trains a trial again."""

from __future__ import annotations

import shlex

import pytest
from tests.unit.sweep.studies import add_trial, new_study

from finesweep.config import compose_sweep
from finesweep.report.retraining import train_command
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.study.keys import VALUES

pytestmark = pytest.mark.slow


def test_what_belongs_to_the_sweep_as_a_whole_is_left_out(workplace: object) -> None:
    study = new_study()
    add_trial(study, value=0.5, **{VALUES: {"training.epochs": 3}})
    whole = ["~launcher.parameters", "~workers", "storage=local", "++storage.cache=c"]
    plan = compose_sweep("demo", [*whole, "training.batch_size=8"])
    command = train_command(plan, read_state(study), None, 0, None)
    assert command is not None
    words = shlex.split(command)
    assert words[:2] == ["finesweep", "train"]
    assert {"training.batch_size=8", "training.epochs=3"} < set(words)
    assert not set(whole) & set(words)
