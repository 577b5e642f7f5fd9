"""One attempt at a slot: it runs the trial, reports, commits checkpoints and logs its run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from optuna import Trial, TrialPruned
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import Composed, SweepPlan
from finesweep.ledger import TimeLedger
from finesweep.records import Evaluation, TextDataset
from finesweep.runs.finetune import Trained, Watch, run_finetuning
from finesweep.runs.ranks import Followers
from finesweep.runs.run_logging import Setup, log_setup, log_traceback, origin
from finesweep.runs.run_name import model_name, run_name
from finesweep.sweep.prune_audit import StopMark, best_value, mark_of_slot
from finesweep.sweep.study.keys import (
    ATTEMPT,
    CHECKPOINT,
    COMMITTED,
    DATA_FINGERPRINT,
    DATA_NOTES,
    FAILURE,
    LEDGER,
    MODEL,
    ORIGIN,
    PARENT_RUN_ID,
    PRECISION,
    PRUNE_AUDIT,
    SLOT,
    TOTAL,
    UID,
    VALUES,
    WORKER,
)
from finesweep.sweep.study.ranking import direction_of
from finesweep.sweep.study.search_space import objective_of
from finesweep.sweep.study.teachers import recorded_teacher
from finesweep.sweep.study.weights import slot_folder
from finesweep.sweep.worker.callbacks import WorkerCallbacks
from finesweep.sweep.worker.checkpoints import SlotCheckpoints, newest_whole
from finesweep.sweep.worker.failures import Failure, WholeSweepError, whole_sweeps
from finesweep.sweep.worker.objectives import costs_in, record_objectives
from finesweep.sweep.worker.phases import Phase, trial_seed
from finesweep.tracking import Outbox
from finesweep.tracking.tags import ORIGIN_TAG, PRUNE_AUDIT_TAG, TRIAL_STATE
from finesweep.training.ranks.shares import share_size


class Attempt:
    """One running Optuna trial, from its params to its saved weights."""

    def __init__(
        self,
        plan: SweepPlan,
        phase: Phase,
        trial: Trial,
        callbacks: WorkerCallbacks,
        *,
        ended_at: float | None = None,
        followers: Followers | None = None,
    ) -> None:
        """ended_at is the end of this worker's previous trial by time.monotonic(); followers are
        the other ranks that train with it."""
        self.followers = followers
        self.plan, self.phase, self.trial, self.callbacks = plan, phase, trial, callbacks
        self.study = phase.study
        self.ledger, self.ended_at = TimeLedger(), ended_at
        self._share_trained, self._total = 1.0, 0
        self.slot = int(trial.user_attrs[SLOT])
        self.number_of_attempt = int(trial.user_attrs[ATTEMPT])
        self.objective = objective_of(plan)
        self.name, self.tags = str(trial.number), dict[str, Any]()
        self.values: Mapping[str, Any] = {}
        self.batch_size = plan.base.config.training.batch_size
        self.outbox: Outbox | None = None
        self.fatal: WholeSweepError | None = None
        """Error that every other attempt would hit too."""
        self.is_audited = False
        """Whether the pruner would have stopped this slot, which runs on for the audit."""
        self.folder = slot_folder(
            plan.base.config.storage.checkpoints, self.study.study_name, self.slot
        )

    def run(self) -> float:
        """The objective's value at the best checkpoint; its weights are saved."""
        pruned = False
        try:
            return self._run()
        except TrialPruned:
            pruned = True
            raise
        finally:
            self._account(pruned=pruned)

    def _run(self) -> float:
        composed = self._compose()
        checkpoints = SlotCheckpoints(
            self.folder,
            self.number_of_attempt,
            period_seconds=60 * self.plan.base.config.storage.checkpoint_minutes,
            is_interrupted=self.callbacks.is_interrupted,
            on_commit=lambda step: self.trial.set_user_attr(COMMITTED, step),
            on_wait=self.callbacks.waiting,
        )
        trained = run_finetuning(
            composed,
            objective=self.objective,
            record=self._record,
            watch=Watch(self.callbacks.beat, self._report, self._on_evaluation, self._stepped),
            checkpoints=checkpoints,
            resume=newest_whole(self.folder),
            ledger=self.ledger,
            one_of_many=True,
            teacher=recorded_teacher(self.phase.sweep.user_attrs, composed.config.training.teacher),
            followers=self.followers,
        )
        self.callbacks.lease.touch()
        with self.ledger.on("saving"):
            model = checkpoints.save_model(trained.setup.model, trained.setup.tokens.tokenizer)
        self.trial.set_user_attr(CHECKPOINT, str(model))
        if len(self.plan.objectives) > 1:
            self._record_objectives(trained)
        return trained.result.best.metrics[self.objective.metric]

    def _record_objectives(self, trained: Trained) -> None:
        """Records the other objectives in the study, and their costs in MLflow."""
        with self.ledger.on("evaluating"):
            values = record_objectives(self.plan, self.phase.sweep, self.trial, trained)
        self.callbacks.beat()
        if self.outbox is not None and (costs := costs_in(values)):
            self.outbox.log_metrics(costs, step=self.ledger.n_examples)

    def retries(self, failure: Failure) -> bool:
        """Whether the slot is retried after this failure."""
        n_ranks = 1 if self.followers is None else self.followers.size
        return failure.retries(
            n_out_of_memory=len(self._out_of_memory()),
            batch_size=share_size(self.batch_size, n_ranks),
        )

    def _compose(self) -> Composed:
        """The trial's config; its values are recorded in the study."""
        spec = self.phase.spec(self.trial)
        self.name, self.values, self.tags = spec.name, spec.values, dict(spec.tags)
        if spec.origin is not None:
            self.tags[ORIGIN_TAG] = spec.origin
            self.trial.set_user_attr(ORIGIN, spec.origin)
        # The decision is the slot's: an attempt that resumes is not stopped after all.
        if (mark := mark_of_slot(self._failed(), self.slot)) is not None:
            self._mark(replace(mark, seconds=0.0))
        precision = self.phase.sweep.user_attrs.get(PRECISION)
        values = ({"training.precision": precision} if precision else {}) | dict(spec.values)
        composed = self.plan.compose_trial(values, seed=spec.seed)
        self.trial.set_user_attr(MODEL, model_name(composed))
        self.trial.set_user_attr(VALUES, dict(spec.values))
        self.trial.set_user_attr(WORKER, self.callbacks.worker)
        self.batch_size = composed.config.training.batch_size
        if self._out_of_memory() and self.batch_size > 1:
            composed = self.plan.compose_trial(values | _halved(composed), seed=spec.seed)
        self.callbacks.beat()
        return composed

    def _out_of_memory(self) -> list[FrozenTrial]:
        of_slot = [trial for trial in self._failed() if trial.user_attrs.get(SLOT) == self.slot]
        return [trial for trial in of_slot if trial.user_attrs.get(FAILURE) == "out_of_memory"]

    def _failed(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=(TrialState.FAIL,))

    @contextmanager
    def _record(self, setup: Setup) -> Iterator[Outbox]:
        """The attempt's outbox, with its setup logged; the loop closes it once Optuna is told."""
        self.trial.set_user_attr(DATA_FINGERPRINT, setup.dataset.fingerprint)
        self._record_data_notes(setup.dataset)
        self.outbox = self.callbacks.outbox(
            f"{self.phase.kind}-{self.trial.number:06d}",
            uid=f"{self.study.user_attrs[UID]}/{self.trial.number}",
            name=run_name(setup.composed, self.name, self.values),
            parent_run_id=self.phase.sweep.user_attrs.get(PARENT_RUN_ID),
            tags=self._tags() | origin(setup),
        )
        log_setup(self.outbox, setup)
        try:
            yield self.outbox
        except TrialPruned:
            raise
        except BaseException as error:
            log_traceback(self.outbox, error)
            raise

    def _record_data_notes(self, dataset: TextDataset) -> None:
        """Records in the study what was done to the rows, once per dataset."""
        name, sweep = f"{DATA_NOTES}{dataset.fingerprint[:16]}", self.phase.sweep
        if dataset.notes and name not in sweep.user_attrs:
            sweep.set_user_attr(name, list(dataset.notes))

    def _account(self, *, pruned: bool) -> None:
        """Logs the attempt's seconds by part, in its run and in the study."""
        if self.outbox is None:
            return
        extra = {}
        if self.ended_at is not None and self.ledger.first_step is not None:
            extra["overhead_seconds"] = self.ledger.first_step - self.ended_at
        if pruned:
            seconds = self.ledger.seconds["training"] + self.ledger.seconds["evaluating"]
            share = self._share_trained
            extra["seconds_saved/pruning"] = seconds * (1 - share) / share
        metrics = self.ledger.metrics() | extra
        self.outbox.log_metrics(metrics, step=self.ledger.n_examples)
        self.trial.set_user_attr(LEDGER, metrics)

    def _stepped(self, examples: int, total: int) -> None:
        self._share_trained = examples / total
        if total != self._total:
            self._total = total
            self.trial.set_user_attr(TOTAL, total)
        self.callbacks.stepped(examples, total)

    def _tags(self) -> dict[str, Any]:
        return {
            "finesweep.kind": self.phase.kind,
            "finesweep.sweep": self.phase.sweep.study_name,
            "finesweep.trial_number": self.trial.number,
            "finesweep.slot": self.slot,
            "finesweep.attempt": self.number_of_attempt,
            TRIAL_STATE: "RUNNING",
            **self.tags,
        }

    def _report(self, evaluation: Evaluation) -> None:
        self.callbacks.evaluated()
        self.trial.report(self.objective.seen_by_pruner(evaluation), step=evaluation.step)

    def _on_evaluation(self, evaluation: Evaluation) -> None:
        """Reports the evaluation to Optuna; TrialPruned when the pruner says so, unless the slot is
        one that is audited."""
        self._report(evaluation)
        if self.is_audited:
            return
        with whole_sweeps("sweep.pruner", self.plan.settings.pruner):
            pruned = self.trial.should_prune()
        if not pruned:
            return
        number = trial_seed(self.study, f"{self.slot}/prune_audit") / 2**31
        if number >= self.plan.settings.prune_audit:
            raise TrialPruned
        trials = self.study.get_trials(deepcopy=False)
        model = self.trial.user_attrs[MODEL]
        best = best_value(trials, direction_of(self.study), model=model)
        self._mark(StopMark(evaluation.step, sum(self.ledger.seconds.values()), best))

    def _mark(self, mark: StopMark) -> None:
        """From now on the trial runs to its end, marked in the study and in MLflow."""
        self.is_audited = True
        self.trial.set_user_attr(PRUNE_AUDIT, asdict(mark))
        self.tags[PRUNE_AUDIT_TAG] = mark.step
        if self.outbox is not None:
            self.outbox.set_tags({PRUNE_AUDIT_TAG: mark.step})


def _halved(composed: Composed) -> dict[str, Any]:
    """The same steps in more batches, of half the size; of the next smaller size that divides the
    examples of a step, where half does not."""
    training = composed.config.training
    examples = training.batch_size * training.gradient_accumulation_steps
    sizes = range(training.batch_size // 2, 0, -1)
    batch_size = next(size for size in sizes if examples % size == 0)
    return {
        "training.batch_size": batch_size,
        "training.gradient_accumulation_steps": examples // batch_size,
        "training.evaluation_batch_size": max(1, training.evaluation_batch_size // 2),
    }
