"""What becomes of a slot, whatever its attempt ends with; trials are functions here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna import TrialPruned
from optuna.trial import TrialState
from tests.unit.sweep.worker.conftest import JoinedWorker

from finesweep.sweep.status import Row
from finesweep.sweep.study.keys import CHECKPOINT, FAILURE, LAUNCHED, N_TRIALS, REASON, RETRY, STOP
from finesweep.sweep.study.reconcile import fail
from finesweep.sweep.study.slots import slots_of
from finesweep.sweep.worker.attempt import Attempt
from finesweep.sweep.worker.loop import WorkerLoop
from finesweep.sweep.worker.phases import Search

pytestmark = pytest.mark.slow

Run = Callable[[Attempt], float]


def saved(attempt: Attempt) -> Path:
    """Weights of the attempt, beside a checkpoint that it went on from."""
    folder = attempt.folder / f"attempt-{attempt.number_of_attempt}"
    for name in ("step-00000001", "model"):
        (folder / name).mkdir(parents=True)
        (folder / name / "weights").write_text("w")
    attempt.trial.set_user_attr(CHECKPOINT, str(folder / "model"))
    return folder


def succeed(attempt: Attempt) -> float:
    saved(attempt)
    return 0.5


def work(
    joined_worker: JoinedWorker, *runs: Run, is_drained: Callable[[], bool] = lambda: False
) -> list[Row]:
    """The rows that the worker showed; its trials run one after another, the last for ever on."""
    rows, left = list[Row](), list(runs)
    loop = WorkerLoop(
        joined_worker.plan,
        Search(joined_worker.plan, joined_worker.study),
        joined_worker.callbacks,
        is_drained=is_drained,
        on_trial=rows.append,
        run=lambda attempt: (left.pop(0) if len(left) > 1 else left[0])(attempt),
    )
    loop.work()
    return rows


def states(joined_worker: JoinedWorker) -> list[str]:
    return [
        slot.state
        for slot in slots_of(joined_worker.study.trials, joined_worker.study.user_attrs[N_TRIALS])
    ]


def test_each_slot_is_run_once_told_and_shown(joined_worker: JoinedWorker) -> None:
    rows = work(joined_worker, succeed)
    assert [(row.slot, row.state, row.value) for row in rows] == [
        (0, "COMPLETE", 0.5),
        (1, "COMPLETE", 0.5),
    ]
    assert states(joined_worker) == ["complete", "complete"]
    assert list(joined_worker.deliveries.jobs) == ["best"]
    assert (joined_worker.row.trial, joined_worker.row.slot) == (None, None)


def test_a_trial_is_leased_while_it_runs(joined_worker: JoinedWorker) -> None:
    def look(attempt: Attempt) -> float:
        assert (joined_worker.row.trial, joined_worker.row.slot) == (
            attempt.trial.number,
            attempt.slot,
        )
        return succeed(attempt)

    assert len(work(joined_worker, look)) == 2


def test_a_finished_slot_keeps_its_weights_alone(joined_worker: JoinedWorker) -> None:
    work(joined_worker, succeed)
    (folder,) = Path("mlruns/checkpoints/demo").glob("slot-0000/attempt-*")
    assert [each.name for each in folder.iterdir()] == ["model"]


def _pruned(attempt: Attempt) -> float:
    attempt.trial.report(0.7, step=3)
    saved(attempt)
    raise TrialPruned


def _broken(attempt: Attempt) -> float:
    saved(attempt)
    raise ValueError("no such shape")


def _no_number(attempt: Attempt) -> float:
    saved(attempt)
    return float("nan")


@pytest.mark.parametrize(
    ("run", "state", "value", "failure", "reason"),
    [
        (_pruned, "pruned", 0.7, None, None),
        (_broken, "failed", None, "trial", "ValueError: no such shape"),
        (_no_number, "failed", None, "non_finite", "the objective is not a number"),
    ],
)
def test_what_ends_badly_is_not_repeated_and_leaves_no_weights(
    joined_worker: JoinedWorker,
    run: Run,
    state: str,
    value: float | None,
    failure: str,
    reason: str,
) -> None:
    rows = work(joined_worker, run, succeed)
    assert states(joined_worker) == [state, "complete"]
    assert rows[0].value == value
    attributes = joined_worker.study.trials[0].user_attrs
    assert (attributes.get(FAILURE), attributes.get(REASON)) == (failure, reason)
    assert not Path("mlruns/checkpoints/demo/slot-0000").exists()


def test_an_interrupted_attempt_frees_its_slot_and_keeps_its_checkpoint(
    joined_worker: JoinedWorker,
) -> None:
    def interrupted(attempt: Attempt) -> float:
        saved(attempt)
        joined_worker.interruption.requested = True
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(joined_worker, interrupted)
    assert states(joined_worker) == ["waiting", "waiting"]
    assert joined_worker.study.trials[0].user_attrs[RETRY] is True
    assert Path("mlruns/checkpoints/demo/slot-0000/attempt-1/step-00000001").exists()
    assert joined_worker.row.trial is None


def test_an_interruption_is_raised_after_the_last_slot_of_a_drained_worker_too(
    joined_worker: JoinedWorker,
) -> None:
    def interrupted(attempt: Attempt) -> float:
        joined_worker.interruption.requested = True
        return succeed(attempt)

    with pytest.raises(KeyboardInterrupt):
        work(joined_worker, interrupted, is_drained=joined_worker.callbacks.is_interrupted)
    assert states(joined_worker) == ["complete", "waiting"]


def test_a_worker_that_was_taken_for_dead_tells_nothing(joined_worker: JoinedWorker) -> None:
    def fenced(attempt: Attempt) -> float:
        saved(attempt)
        fail(
            joined_worker.study,
            attempt.trial.number,
            why="killed",
            kind="infrastructure",
            retry=True,
        )
        return 0.25

    rows = work(joined_worker, fenced, succeed)
    assert joined_worker.said == ["trial 0 was taken over by another worker"]
    assert joined_worker.study.trials[0].state == TrialState.FAIL
    assert [row.state for row in rows] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert states(joined_worker) == ["complete", "complete"]


def test_a_machine_at_fault_is_tried_again_until_nothing_comes_of_it(
    joined_worker: JoinedWorker,
) -> None:
    def unplugged(attempt: Attempt) -> float:
        raise ConnectionResetError("reset")

    limit = joined_worker.plan.settings.max_attempts_without_progress
    work(joined_worker, *[unplugged] * limit, succeed)
    assert states(joined_worker) == ["failed", "complete"]
    failed = [trial for trial in joined_worker.study.trials if trial.state == TrialState.FAIL]
    assert [trial.user_attrs[RETRY] for trial in failed] == [True] * (limit - 1) + [False]
    assert failed[-1].user_attrs[REASON] == (
        f"{limit} attempts in a row ended before they committed anything; "
        "the last: ConnectionResetError: reset"
    )


def test_failures_in_a_row_stop_the_sweep_for_all(joined_worker: JoinedWorker) -> None:
    joined_worker.study.set_user_attr(N_TRIALS, 5)
    rows = work(joined_worker, _broken)
    assert len(rows) == joined_worker.plan.settings.max_failures_in_a_row == 3
    message = "3 trials in a row failed; the last: ValueError: no such shape"
    assert joined_worker.study.user_attrs[STOP] == message


def test_a_worker_that_settled_the_number_of_slots_looks_again_before_it_leaves(
    joined_worker: JoinedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_slots = iter([3, 1, 2, 2])  # another worker has claimed slot 1 meanwhile
    monkeypatch.setattr(Search, "n_slots", lambda search: next(n_slots))
    assert [row.slot for row in work(joined_worker, succeed)] == [0, 1]
    assert list(n_slots) == []


def test_failures_before_the_command_began_are_forgiven(joined_worker: JoinedWorker) -> None:
    joined_worker.study.set_user_attr(N_TRIALS, 3)
    joined_worker.study.set_user_attr(LAUNCHED, "2999-01-01T00:00:00")
    work(joined_worker, _broken)
    assert STOP not in joined_worker.study.user_attrs


def test_a_success_between_failures_keeps_the_sweep_going(joined_worker: JoinedWorker) -> None:
    joined_worker.study.set_user_attr(N_TRIALS, 5)
    work(joined_worker, _broken, _broken, succeed, _broken)
    assert STOP not in joined_worker.study.user_attrs


def test_the_run_ends_as_its_trial_does(joined_worker: JoinedWorker) -> None:
    def tracked(attempt: Attempt) -> float:
        attempt.outbox = joined_worker.callbacks.outbox(
            f"trial-{attempt.trial.number:06d}", uid="u", name="n", parent_run_id=None, tags={}
        )
        return succeed(attempt) if attempt.slot == 0 else _broken(attempt)

    work(joined_worker, tracked)
    closings = [
        json.loads((folder / "closing.json").read_text())
        for folder in joined_worker.deliveries.folders
    ]
    assert [closing["status"] for closing in closings] == ["FINISHED", "FAILED"]
    assert closings[1]["tags"]["finesweep.reason"] == "ValueError: no such shape"


def test_a_drained_worker_takes_no_other_slot(joined_worker: JoinedWorker) -> None:
    rows: list[Row] = work(
        joined_worker, succeed, is_drained=lambda: bool(joined_worker.study.best_trials)
    )
    assert len(rows) == 1
    assert states(joined_worker) == ["complete", "waiting"]


def test_a_stopped_sweep_gets_no_work_done(joined_worker: JoinedWorker) -> None:
    joined_worker.study.set_user_attr(STOP, "stopped")
    assert work(joined_worker, succeed) == []
    assert joined_worker.study.trials == []
