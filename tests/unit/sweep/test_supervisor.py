"""Which worker is replaced, when a sweep gives up, and what its workers hear before they leave."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from itertools import count
from math import inf

import optuna
import pytest
from optuna import Study
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState, create_trial
from sqlalchemy.exc import OperationalError

from finesweep.errors import ConfigError, FinesweepError
from finesweep.sweep import supervisor
from finesweep.sweep.selection.confirmation import make_confirmation
from finesweep.sweep.study.keys import COMMITTED, COMPARISONS, N_TRIALS, SLOT, STOP, UID
from finesweep.sweep.study.optuna_private import running_trial
from finesweep.sweep.supervisor import supervise

KILLED = -signal.SIGKILL
STAYS = None
"""Of a worker: it works until it is told to leave."""


class Scripted:
    """A worker that has ended with a code, or stays; it remembers what it was told."""

    pid = None

    def __init__(self, index: int, code: int | None) -> None:
        self.name, self.code = f"worker {index}", code
        self.heard: list[str] = []

    def poll(self) -> int | None:
        return self.code

    def drain(self) -> None:
        self._leave("drain", 0)

    def interrupt(self) -> None:
        self._leave("interrupt", 130)

    def kill(self) -> None:
        self._leave("kill", KILLED)

    def last_output(self) -> str:
        return f"said by {self.name}"

    def _leave(self, word: str, code: int) -> None:
        self.heard.append(word)
        self.code = code if self.code is None else self.code


class Stubborn(Scripted):
    """One that goes on when it is asked to leave."""

    def interrupt(self) -> None:
        self.heard.append("interrupt")


class Slow(Scripted):
    """One that takes a while to leave once it is asked."""

    n_polls, leaves_with = 3, 0

    def poll(self) -> int | None:
        if self.heard:
            self.n_polls -= 1
        return self.leaves_with if self.n_polls <= 0 else None

    def _leave(self, word: str, code: int) -> None:
        self.heard.append(word)
        self.leaves_with = code


class Fragile(Scripted):
    """One that is killed while it leaves."""

    def drain(self) -> None:
        self._leave("drain", KILLED)

    def interrupt(self) -> None:
        self._leave("interrupt", KILLED)


class Script:
    """Starts workers that end with these codes, one after another; the last one for ever on."""

    def __init__(self, *codes: int | None, kind: type[Scripted] = Scripted) -> None:
        self.codes, self.kind = codes, kind
        self.workers: list[Scripted] = []
        self.closed = False

    def start(self, index: int) -> Scripted:
        code = self.codes[min(len(self.workers), len(self.codes) - 1)]
        self.workers.append(self.kind(index, code))
        return self.workers[-1]

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "REFRESH_SECONDS", 0.0)


@pytest.fixture
def messages() -> list[str]:
    return []


def once(number: signal.Signals) -> Callable[[], None]:
    """Sends this process one signal, however often it is called."""
    pending = [number]
    return lambda: os.kill(os.getpid(), pending.pop()) if pending else None


def study_with(*, over: bool) -> Study:
    study = optuna.create_study()
    study.set_user_attr(N_TRIALS, 1)
    if over:
        study.add_trial(create_trial(state=TrialState.PRUNED, user_attrs={SLOT: 0}))
    return study


def run(
    script: Script,
    messages: list[str],
    *,
    study: Study | None = None,
    n_workers: int = 1,
    deadline: float = inf,
    look: Callable[[], object] = lambda: None,
) -> None:
    supervise(
        script,
        study_with(over=False) if study is None else study,
        n_workers=n_workers,
        deadline=deadline,
        refresh=look,
        say=messages.append,
    )


@pytest.mark.parametrize(
    ("code", "over", "replaced"),
    [
        (0, False, False),
        (0, True, False),
        (1, False, True),
        (130, False, True),
        (130, True, False),
        (75, False, True),
        (75, True, True),
        (KILLED, False, True),
        (KILLED, True, True),
    ],
)
def test_a_worker_that_ended_is_replaced_while_there_is_something_to_do(
    code: int, over: bool, replaced: bool, messages: list[str]
) -> None:
    script = Script(code, 0)
    run(script, messages, study=study_with(over=over))
    assert [worker.name for worker in script.workers] == ["worker 0"] * (1 + replaced)
    message = f"worker 0 ended with exit code {code}; restarting it"
    assert messages == [message] * replaced
    assert script.closed


def test_a_stopped_study_has_nothing_to_do_any_more(messages: list[str]) -> None:
    study = study_with(over=False)
    study.set_user_attr(STOP, "stopped")
    script = Script(130)
    run(script, messages, study=study)
    assert (len(script.workers), messages) == (1, [])


def test_a_config_that_cannot_work_ends_the_sweep_in_the_workers_words(messages: list[str]) -> None:
    script = Script(2, STAYS)
    with pytest.raises(ConfigError, match=r"^worker 0: said by worker 0$") as caught:
        run(script, messages, n_workers=2)
    assert caught.value.exit_code == 2
    assert (script.workers[1].heard, script.closed) == (["kill"], True)


def test_a_worker_that_fails_at_the_end_is_not_tried_again(messages: list[str]) -> None:
    script = Script(1)
    with pytest.raises(FinesweepError, match=r"^worker 0 failed: said by worker 0$"):
        run(script, messages, study=study_with(over=True))
    assert len(script.workers) == 1


@pytest.mark.parametrize(
    ("codes", "n_started"),
    [([1], 5), *(([1, 1, 1, 1, code, 1], 10) for code in (KILLED, 130, 75))],
    ids=["errors", "a signal between", "an interruption between", "a hang between"],
)
def test_errors_in_a_row_end_the_sweep_and_ended_workers_do_not_count(
    codes: Sequence[int], n_started: int, messages: list[str]
) -> None:
    script = Script(*codes)
    with pytest.raises(FinesweepError, match=r"^5 workers in a row failed; the last: said by"):
        run(script, messages)
    assert len(script.workers) == n_started


@pytest.mark.parametrize(
    ("code", "over", "n", "how"),
    [
        (KILLED, False, 10, "by a signal .*"),
        (KILLED, True, 10, "by a signal .*"),
        (130, False, 10, "by a signal .*"),
        (75, True, 2, "with exit code 75"),
    ],
    ids=["killed before a claim", "killed in the last phase", "interrupted", "hung"],
)
def test_ended_workers_end_a_sweep_that_does_not_get_on(
    code: int, over: bool, n: int, how: str, messages: list[str]
) -> None:
    script = Script(code)
    said = f"^worker 0 ended {n} times in a row {how}, and nothing .*; the last: said by worker 0$"
    with pytest.raises(FinesweepError, match=said):
        run(script, messages, study=study_with(over=over))
    assert len(script.workers) == n


def test_workers_that_are_killed_together_count_each_for_itself(messages: list[str]) -> None:
    script = Script(*[KILLED] * 16, 0)
    run(script, messages, n_workers=8)
    assert len(script.workers) == 24


def claim(study: Study, n: int) -> None:
    study.add_trial(create_trial(state=TrialState.RUNNING, user_attrs={SLOT: n}))


def commit(study: Study, n: int) -> None:
    (study.ask() if n == 0 else running_trial(study, 0)).set_user_attr(COMMITTED, n)


def record(study: Study, n: int) -> None:
    study.set_user_attr(COMPARISONS, [n])


def confirm(study: Study, n: int) -> None:
    study.set_user_attr(UID, "demo")
    claim(make_confirmation(study), n)


@pytest.mark.parametrize("code", [KILLED, 75])
@pytest.mark.parametrize("get_on", [claim, commit, record, confirm])
def test_ended_workers_do_not_end_a_sweep_that_gets_on(
    get_on: Callable[[Study, int], None], code: int, messages: list[str]
) -> None:
    study, looks = study_with(over=False), count()
    script = Script(*[code] * 30, 0)
    run(script, messages, study=study, look=lambda: get_on(study, next(looks)))
    assert len(script.workers) == 31


def test_the_deadline_drains_each_worker_once(messages: list[str]) -> None:
    script = Script(STAYS, kind=Slow)
    run(script, messages, n_workers=2, deadline=time.monotonic() - 1)
    assert [worker.heard for worker in script.workers] == [["drain"], ["drain"]]
    assert messages == []


def test_in_the_place_of_one_killed_after_the_deadline_comes_one_that_leaves_too(
    messages: list[str],
) -> None:
    script = Script(KILLED, STAYS)
    run(script, messages, deadline=time.monotonic() - 1)
    assert [worker.heard for worker in script.workers] == [["drain"], ["drain"]]


def test_an_interruption_is_told_once_and_raised_when_all_have_left(messages: list[str]) -> None:
    script = Script(STAYS, kind=Slow)
    with pytest.raises(KeyboardInterrupt):
        run(script, messages, n_workers=2, look=once(signal.SIGINT))
    assert [worker.heard for worker in script.workers] == [["interrupt"], ["interrupt"]]
    assert messages == [
        "interrupted: 2 workers asked to save a checkpoint and leave; Ctrl-C again ends at once"
    ]
    assert script.closed


def test_nobody_comes_in_the_place_of_one_killed_after_an_interruption(messages: list[str]) -> None:
    script = Script(STAYS, kind=Fragile)
    with pytest.raises(KeyboardInterrupt):
        run(script, messages, look=once(signal.SIGINT))
    (told,) = messages
    assert (len(script.workers), told[:21]) == (1, "interrupted: 1 worker")


def test_a_second_interruption_kills(messages: list[str]) -> None:
    script = Script(STAYS, kind=Stubborn)
    with pytest.raises(KeyboardInterrupt):
        run(script, messages, look=lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert script.workers[0].heard == ["interrupt", "kill"]


def test_a_storage_that_is_away_is_told_of_once_and_waited_for(messages: list[str]) -> None:
    script, n_looks = Script(STAYS), 0

    def look() -> None:
        nonlocal n_looks
        n_looks += 1
        if n_looks <= 3:
            error = StorageInternalError("commit")
            error.__cause__ = OperationalError("SELECT 1", {}, sqlite3.OperationalError("gone"))
            raise error
        script.workers[0].code = 0

    run(script, messages, look=look)
    assert messages == ["the storage is unreachable; workers are waiting for it"]


def test_another_error_kills_the_workers_and_is_raised(messages: list[str]) -> None:
    def look() -> None:
        raise ZeroDivisionError("a bug")

    script = Script(STAYS)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run(script, messages, look=look)
    assert (script.workers[0].heard, script.closed) == (["kill"], True)
