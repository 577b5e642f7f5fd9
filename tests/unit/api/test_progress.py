"""A sweep or a run shows bars where someone looks, and one line per result elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from rich.cells import cell_len
from rich.console import Console

from finesweep.api.console import is_live, screen
from finesweep.api.progress import bar
from finesweep.api.progress.columns import Bar, Column, fitting, lines
from finesweep.api.progress.sweep import SweepProgress
from finesweep.api.progress.trial_line import trial_line
from finesweep.config import ConfirmConfig
from finesweep.records import Evaluation, Objective
from finesweep.sweep.status import Row
from finesweep.sweep.study.keys import (
    ATTEMPT,
    DEFINITION,
    MODEL,
    N_TRIALS,
    REASON,
    SLOT,
    SWEEP,
    VALUES,
)
from finesweep.sweep.study.leases import Lease
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.storage import open_storage

pytestmark = pytest.mark.slow


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    made = optuna.create_study(storage=open_storage(f"sqlite:///{tmp_path / 'optuna.db'}"))
    made.set_user_attr(SWEEP, "own")
    made.set_user_attr(N_TRIALS, 4)
    definition = {"sweep.metric": "validation/loss", "sweep.direction": "minimize"}
    made.set_user_attr(DEFINITION, definition | {"training.epochs": 2})
    return made


def _finish(study: optuna.Study, slot: int, state: TrialState) -> None:
    trial = study.ask()
    for name, value in {SLOT: slot, MODEL: "minilm", REASON: "no memory"}.items():
        trial.set_user_attr(name, value)
    study.tell(trial, 0.5 if state == TrialState.COMPLETE else None, state=state)


def _console(*, terminal: bool, width: int = 120) -> tuple[Console, io.StringIO]:
    shown = Terminal() if terminal else io.StringIO()
    return Console(file=shown, force_terminal=terminal, width=width, highlight=False), shown


def _drawn(board: SweepProgress, width: int) -> list[str]:
    """The lines that a screen of this width shows, without colours."""
    plain = Console(file=io.StringIO(), width=width)
    plain.print(board._draw(width))
    return [line.rstrip() for line in plain.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def _at_work(study: optuna.Study, *, slot: int, attempt: int = 1, step: int = 0) -> Lease:
    """A worker at a trial that has reported 0.625 at its first evaluation."""
    trial = study.ask()
    values = {SLOT: slot, MODEL: "distil_minilm", ATTEMPT: attempt, VALUES: {}}
    for name, value in values.items():
        trial.set_user_attr(name, value)
    trial.report(0.625, step=80)
    lease = Lease(
        engine_of(study), study.study_name, lease_seconds=60, hang_seconds=60, on_hang=pytest.fail
    )
    lease.hold(trial=trial.number, slot=slot)
    if step:
        lease.touch(step, 320)
    lease.beat()
    return lease


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


def test_a_terminal_shows_the_slots_and_a_line_for_each_worker_until_the_end(
    study: optuna.Study,
) -> None:
    _finish(study, 0, TrialState.COMPLETE)
    _finish(study, 1, TrialState.FAIL)
    console, shown = _console(terminal=True, width=80)
    leases = [_at_work(study, slot=3, attempt=2, step=160), _at_work(study, slot=2)]
    with SweepProgress(console, study, n_workers=3) as board:
        board.look()
        wide, narrow = _drawn(board, 110), _drawn(board, 60)
        board.begin("making the report")
        assert _drawn(board, 60)[-1] == "making the report"
    for lease in leases:
        lease.leave()
    assert wide[0].startswith("search  ━")
    assert " ".join(wide[0].split()[2:9]) == "2 of 4 best 0.5000 1 failed"
    assert wide[1].split() == ["trial", "3", "distil_minilm", "loading", "loss", "0.6250"]
    assert wide[2].startswith("trial 2  distil_minilm  attempt 2  epoch 1.0 of 2  ━")
    assert wide[2].endswith("50%  loss 0.6250")
    assert wide[3] == "1 worker starting"
    assert narrow[2] == "trial 2  distil_minilm  epoch 1.0 of 2  50%  loss 0.6250"
    assert "trial 2" in shown.getvalue()
    # Gone at the end: the last thing written clears the lines.
    assert shown.getvalue().rstrip().endswith("\x1b[2K")


def test_nothing_is_cut_and_no_line_is_longer_than_the_screen(study: optuna.Study) -> None:
    _finish(study, 0, TrialState.COMPLETE)
    console, _ = _console(terminal=True)
    lease = _at_work(study, slot=3, step=160)
    with SweepProgress(console, study, confirm=ConfirmConfig(top_k=2, seeds=2)) as board:
        board.look()
        for width in range(24, 130):
            drawn = _drawn(board, width)
            assert max(map(cell_len, drawn)) <= width
            words = " ".join(drawn).split()
            assert {"search", "1", "4", "trial", "50%", "loss", "0.6250"} <= set(words)
            assert not any("…" in line for line in drawn)
    lease.leave()


def test_a_screen_of_few_lines_shows_the_first_workers_and_counts_the_others(
    study: optuna.Study,
) -> None:
    console = Console(file=Terminal(), force_terminal=True, width=80, height=9)
    leases = [_at_work(study, slot=slot) for slot in (1, 2)]
    with SweepProgress(console, study) as board:
        board.look()
        assert _drawn(board, 80)[-2:] == [
            "trial 0  distil_minilm  loading  loss 0.6250",
            "and 1 more worker",
        ]
    for lease in leases:
        lease.leave()


def test_columns_go_by_rank_and_the_last_ones_wrap() -> None:
    columns = [
        Column(["trial 1"]),
        Column([Bar(0.5)], rank=2),
        Column(["a/long/name"], rank=1),
        Column([""]),
    ]
    assert fitting(columns, 30) == columns[:3]
    assert fitting(columns, 20) == [columns[0], columns[2]]
    assert fitting(columns, 19) == fitting(columns, 5) == columns[:1]
    narrow = Console(file=io.StringIO(), width=5)
    narrow.print(lines(columns, 5))
    assert narrow.file.getvalue().split() == ["trial", "1"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (100, "trial   7 (slot 8 of 9)  minilm         FAIL      loss is nan  3 s"),
        (80, "trial   7  minilm         FAIL      3 s  loss is nan"),
        (60, "trial 7  minilm  FAIL  3 s  loss is nan"),
    ],
)
def test_the_line_of_a_finished_trial_fits_the_screen(width: int, line: str) -> None:
    row = Row(7, 7, "FAIL", None, "minilm", {}, 3.0, "loss is nan")
    assert trial_line(row, metric="validation/loss", n_slots=9, width=width) == line
    done = Row(7, 7, "COMPLETE", 0.5, "minilm", {}, 3.0, None)
    shown = trial_line(done, metric="validation/loss", n_slots=9, width=width)
    assert ("validation/loss 0.5000  3 s" in shown) == (width >= 80)


def test_a_log_is_no_terminal_even_if_it_takes_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not is_live(Console(file=io.StringIO()))
    assert not is_live(screen(quiet=True))
    assert is_live(Console(file=Terminal(), force_terminal=True))
    assert is_live(Console(file=io.StringIO(), force_jupyter=True))


def test_a_single_run_shows_its_stage_its_epoch_and_its_latest_value() -> None:
    console, _ = _console(terminal=True)
    drawn = []
    with bar(console, Objective(), epochs=2) as single:

        def note() -> None:
            plain = Console(file=io.StringIO(), width=60)
            plain.print(single.draw(60))
            drawn.append(" ".join(plain.file.getvalue().replace("━", "").split()))  # type: ignore[attr-defined]

        single.between_steps()
        note()
        single.stepped(160, 320)
        note()
        single.between_steps()
        note()
        single.stepped(320, 320)
        single.evaluated(Evaluation(320, 2.0, {"validation/loss": 0.625}))
        note()
    assert drawn[0] == "loading"
    assert drawn[1].startswith("training epoch 1.00 of 2")
    assert drawn[2].startswith("evaluating epoch 1.00 of 2")
    assert drawn[3] == "finishing epoch 2.00 of 2 100% loss 0.6250"


def test_a_single_run_writes_its_evaluations_to_a_log() -> None:
    console, shown = _console(terminal=False)
    with bar(console, Objective(), epochs=2, in_log=True) as single:
        single.stepped(160, 320)
        single.evaluated(Evaluation(160, 1.0, {"validation/loss": 0.625, "train/loss": 0.5}))
    assert shown.getvalue() == "epoch 1.00 of 2  train/loss 0.5000  validation/loss 0.6250\n"
