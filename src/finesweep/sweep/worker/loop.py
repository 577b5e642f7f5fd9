"""A worker's loop: reconcile the study, claim a slot, run its trial, tell Optuna, repeat.

Any number of workers run it at the same time. They share only the study, and none waits for another
while a slot is free.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from math import isnan
from pathlib import Path
from typing import Any

from optuna import Trial, TrialPruned
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepPlan
from finesweep.runs.ranks import Followers
from finesweep.sweep.status import Row, row_of
from finesweep.sweep.study.keys import CHECKPOINT, LAUNCHED, REASON, SLOT, STOP
from finesweep.sweep.study.optuna_private import trial_now
from finesweep.sweep.study.reconcile import fail, reason_to_give_up, reconcile
from finesweep.sweep.study.slots import all_finished, claim, finished_trials, is_retried
from finesweep.sweep.study.storage import retry_while_away
from finesweep.sweep.study.weights import delete_checkpoints
from finesweep.sweep.worker.attempt import Attempt
from finesweep.sweep.worker.callbacks import WorkerCallbacks
from finesweep.sweep.worker.failures import Failure, UnsoundError, WholeSweepError, classify
from finesweep.sweep.worker.phases import Phase
from finesweep.sweep.worker.run_delivery import close_run
from finesweep.sweep.worker.telling import tell
from finesweep.training import why_unsound

IDLE_SECONDS = 1.0
"""Pause between two checks while other workers run the last slots: a worker may die."""
Run = Callable[[Attempt], float]


class WorkerLoop:
    """One process's share of one phase of a sweep; it stays warm over many trials."""

    def __init__(
        self,
        plan: SweepPlan,
        phase: Phase,
        callbacks: WorkerCallbacks,
        *,
        is_drained: Callable[[], bool] = lambda: False,
        on_trial: Callable[[Row], None] = lambda row: None,
        run: Run = Attempt.run,
        followers: Followers | None = None,
    ) -> None:
        """followers: the other ranks that train each trial with this process."""
        self.followers = followers
        self.plan, self.phase, self.study, self.callbacks = plan, phase, phase.study, callbacks
        self.is_drained, self.on_trial, self.run_attempt = is_drained, on_trial, run
        self._ended_at: float | None = None
        self._n_slots = self._n_slots_before = 0

    def work(self) -> None:
        """Returns when every slot that may be claimed is finished, or when the worker is drained or
        stopped.

        KeyboardInterrupt after a signal; the slot has been released by then.
        """
        while not self.is_drained() and not self.phase.sweep.user_attrs.get(STOP):
            self.callbacks.beat()
            # Lease queries bypass Optuna's storage, so its retries do not cover them.
            if claimed := retry_while_away(self._claim, self.callbacks.waiting):
                self._run_slot(claimed)
            elif self._is_over():
                return
            else:
                self.callbacks.lease.release()
                time.sleep(IDLE_SECONDS)

    def _is_over(self) -> bool:
        """Whether every slot that may be claimed is finished.

        Not at the first look after their number fell: another worker may just be claiming a slot
        that this one no longer counts.
        """
        if self._n_slots < self._n_slots_before:
            return False
        return all_finished(self.study.get_trials(deepcopy=False), self._n_slots)

    def _claim(self) -> FrozenTrial | None:
        n_slots = self.phase.n_slots()
        self._n_slots_before, self._n_slots = self._n_slots, n_slots
        reconcile(
            self.study,
            self.plan.settings,
            n_slots,
            self.phase.enqueued,
            may_reap=self.callbacks.lease.is_steady,
        )
        return claim(self.study, n_slots, before=self._hold)

    def _hold(self, trial: FrozenTrial) -> None:
        self.callbacks.lease.hold(trial=trial.number, slot=trial.user_attrs[SLOT])

    def _run_slot(self, claimed: FrozenTrial) -> None:
        """Runs one claimed trial to its end and tells Optuna.

        Raises only KeyboardInterrupt, WholeSweepError and UnsoundError; the slot has been released
        by then.
        """
        trial = self._start_trial(claimed)
        attempt = Attempt(
            self.plan,
            self.phase,
            trial,
            self.callbacks,
            ended_at=self._ended_at,
            followers=self.followers,
        )
        outcome = None
        try:
            outcome = self._outcome(attempt)
            self._ended_at = time.monotonic()
            self._tell(attempt, outcome)
        except UpdateFinishedTrialError:
            # Fenced: other workers declared this one dead and reassigned its slot.
            self.callbacks.say(f"trial {claimed.number} was taken over by another worker")
        finally:
            self._clean_up(attempt)
        if attempt.fatal is not None:
            raise attempt.fatal
        self.callbacks.interruption.check()
        if isinstance(outcome, Failure) and (why := why_unsound()):
            raise UnsoundError(f"this process can train no more, a new one can: {why}")

    def _start_trial(self, claimed: FrozenTrial) -> Trial:
        try:
            return self.phase.start_trial(claimed)
        except WholeSweepError as error:
            fail(self.study, claimed.number, why=str(error), kind="sweep", retry=True)
            self.callbacks.lease.release()
            raise

    def _outcome(self, attempt: Attempt) -> float | TrialState | Failure:
        try:
            value = self.run_attempt(attempt)
            return Failure("non_finite", "the objective is not a number") if isnan(value) else value
        except TrialPruned:
            return TrialState.PRUNED
        except UpdateFinishedTrialError:
            raise
        except WholeSweepError as error:
            attempt.fatal = error
            return classify(error)
        except (Exception, KeyboardInterrupt) as error:
            return classify(error)

    def _tell(self, attempt: Attempt, outcome: float | TrialState | Failure) -> None:
        if isinstance(outcome, Failure):
            self._fail(attempt, outcome)
        elif outcome is TrialState.PRUNED:
            # Optuna uses the last reported value as the trial's value.
            tell(self.study, attempt.trial.number, outcome, None, say=self.callbacks.say)
        else:
            assert isinstance(outcome, float)
            state = TrialState.COMPLETE
            tell(self.study, attempt.trial.number, state, outcome, say=self.callbacks.say)

    def _fail(self, attempt: Attempt, failure: Failure) -> None:
        number, why = attempt.trial.number, failure.reason
        retry = attempt.retries(failure)
        if retry and failure.kind == "infrastructure":
            frozen = trial_now(self.study, number)
            if fatal := reason_to_give_up(self.study, frozen, self.plan.settings):
                retry, why = False, f"{fatal}; the last: {why}"
        fail(self.study, number, why=why, kind=failure.kind, retry=retry)

    def _clean_up(self, attempt: Attempt) -> None:
        """Closes the run, deletes checkpoints, publishes the best trial and releases the lease."""
        trial = trial_now(self.study, attempt.trial.number)
        if trial.state == TrialState.RUNNING:  # exiting at once; another worker will release it
            return
        if attempt.outbox is not None:
            close_run(attempt.outbox, trial)
        if not is_retried(trial):
            delete_checkpoints(attempt.folder, but=_model_folder(trial))
        if trial.state == TrialState.COMPLETE:
            self.phase.completed(self.callbacks.delivery)
        self.callbacks.lease.release()
        if trial.state == TrialState.FAIL and not is_retried(trial):
            self._stop_when_all_fail()
        self.on_trial(row_of(trial))

    def _stop_when_all_fail(self) -> None:
        """Stops the sweep for all workers when its latest trials have all failed."""
        k = self.plan.settings.max_failures_in_a_row
        since = datetime.fromisoformat(self.phase.sweep.user_attrs[LAUNCHED])
        finished = [
            trial
            for trial in finished_trials(self.study.get_trials(deepcopy=False))
            if trial.datetime_complete is not None and trial.datetime_complete > since
        ]
        latest = sorted(finished, key=_completed)[-k:]
        if len(latest) == k and all(trial.state == TrialState.FAIL for trial in latest):
            why = latest[-1].user_attrs.get(REASON)
            self.phase.sweep.set_user_attr(STOP, f"{k} trials in a row failed; the last: {why}")


def _completed(trial: FrozenTrial) -> Any:
    return trial.datetime_complete


def _model_folder(trial: FrozenTrial) -> Path | None:
    folder = trial.user_attrs.get(CHECKPOINT)
    return Path(folder) if folder and trial.state == TrialState.COMPLETE else None
