"""What a sweep shows while it runs: bars where someone looks, one line per trial elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from rich.console import Console

from finesweep.api.progress import bar
from finesweep.api.sweep_progress import SweepProgress
from finesweep.records import Evaluation, Objective
from finesweep.sweep.study.keys import DEFINITION, MODEL, N_TRIALS, REASON, SLOT, SWEEP
from finesweep.sweep.study.leases import Lease
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.storage import open_storage

pytestmark = pytest.mark.slow


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    made = optuna.create_study(storage=open_storage(f"sqlite:///{tmp_path / 'optuna.db'}"))
    made.set_user_attr(SWEEP, "own")
    made.set_user_attr(N_TRIALS, 4)
    definition = {"sweep.metric": "validation/loss", "sweep.direction": "minimize"}
    made.set_user_attr(DEFINITION, definition)
    return made


def _finish(study: optuna.Study, slot: int, state: TrialState) -> None:
    trial = study.ask()
    for name, value in {SLOT: slot, MODEL: "minilm", REASON: "no memory"}.items():
        trial.set_user_attr(name, value)
    study.tell(trial, 0.5 if state == TrialState.COMPLETE else None, state=state)


def _console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    shown = io.StringIO()
    return Console(file=shown, force_terminal=terminal, width=120), shown


def test_a_log_gets_one_line_for_each_trial_that_finishes_while_it_is_watched(
    study: optuna.Study,
) -> None:
    _finish(study, 0, TrialState.COMPLETE)
    console, shown = _console(terminal=False)
    with SweepProgress(console, study) as board:
        _finish(study, 1, TrialState.COMPLETE)
        _finish(study, 2, TrialState.FAIL)
        board.look()
        board.look()
    assert shown.getvalue().splitlines() == [
        "trial   1 (slot 2 of 4)  minilm         COMPLETE  validation/loss 0.5000  0 s",
        "trial   2 (slot 3 of 4)  minilm         FAIL      no memory  0 s",
    ]


@pytest.mark.parametrize("told", ["sweep", "1/4", "best 0.5000", "slot 4 on", "160/320"])
def test_a_terminal_gets_the_sweep_and_each_worker_as_a_bar(study: optuna.Study, told: str) -> None:
    _finish(study, 0, TrialState.COMPLETE)
    console, shown = _console(terminal=True)
    lease = Lease(
        engine_of(study),
        study.study_name,
        lease_seconds=60,
        hang_seconds=60,
        on_hang=pytest.fail,
    )
    with SweepProgress(console, study) as board:
        lease.hold(trial=1, slot=3)
        lease.touch(160, 320)
        lease.beat()
        board.look()
    lease.leave()
    assert told in shown.getvalue()


def test_a_single_run_shows_its_examples_and_its_latest_value() -> None:
    console, shown = _console(terminal=True)
    with bar(console, Objective()) as single:
        single.stepped(160, 320)
        single.evaluated(Evaluation(160, 0.5, {"validation/loss": 0.625}))
    assert "160/320" in shown.getvalue()
    assert "validation/loss 0.6250" in shown.getvalue()
