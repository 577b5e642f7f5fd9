"""What a sweep shows while it runs: bars where someone looks, one line per trial elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from finesweep.cli.progress import bar, watching
from finesweep.records import Evaluation, Objective
from finesweep.sweep.observer import Observer, TrialEnd, TrialStart

START = TrialStart(number=7, slot=2, n_slots=4, n_finished=2, model="minilm", values={})
LINE = (
    "trial   7 (3 of 4)  minilm         COMPLETE  validation/loss 0.5000  after 320 examples, 9 s"
)


def _run(observer: Observer) -> None:
    observer.started(START)
    observer.stepped(160, 320)
    observer.evaluated(Evaluation(160, 0.5, {"validation/loss": 0.625}))
    observer.stepped(320, 320)
    observer.ended(TrialEnd(START, "COMPLETE", 0.5, None, 9.2, 320, best_value=0.25))


def _shown(*, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with watching(console, Objective(), n_slots=4) as observer:
        _run(observer)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text)


def test_a_log_gets_one_line_for_each_trial() -> None:
    assert _shown(terminal=False) == f"{LINE}\n"


@pytest.mark.parametrize("told", [LINE, "sweep", "3/4", "best 0.2500"])
def test_a_terminal_gets_the_line_and_the_whole_sweep_as_a_bar(told: str) -> None:
    assert told in _shown(terminal=True)


def test_a_trial_that_failed_says_why() -> None:
    console = Console(file=io.StringIO(), width=120)
    with watching(console, Objective(), n_slots=4) as observer:
        observer.started(START)
        observer.ended(TrialEnd(START, "FAIL", None, "no memory", 1.0, 32, best_value=None))
    assert "FAIL      no memory  after 32 examples, 1 s" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_single_run_shows_its_examples_and_its_latest_value() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with bar(console, Objective()) as shown:
        shown.stepped(160, 320)
        shown.evaluated(Evaluation(160, 0.5, {"validation/loss": 0.625}))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "160/320" in text
    assert "validation/loss 0.6250" in text
