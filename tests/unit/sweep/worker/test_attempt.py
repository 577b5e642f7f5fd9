"""What an attempt composes, reports to the pruner, and leaves in its study; nothing is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna import TrialPruned
from optuna.pruners import BasePruner, ThresholdPruner
from optuna.trial import TrialState
from tests.unit.sweep.studies import add_trial
from tests.unit.sweep.worker.conftest import JoinedWorker

from finesweep.config import Composed, SweepPlan
from finesweep.records import Evaluation
from finesweep.runs.finetune import Watch
from finesweep.sweep.study.keys import (
    CHECKPOINT,
    COMMITTED,
    FAILURE,
    LEDGER,
    MODEL,
    PRECISION,
    PRUNE_AUDIT,
    VALUES,
    WORKER,
)
from finesweep.sweep.study.reconcile import reconcile
from finesweep.sweep.study.slots import claim
from finesweep.sweep.worker import attempt as module
from finesweep.sweep.worker.attempt import Attempt
from finesweep.sweep.worker.failures import Failure, WholeSweepError
from finesweep.sweep.worker.phases import Search, trial_seed

pytestmark = pytest.mark.slow

LOSS = "validation/loss"
NO_MEMORY = Failure("out_of_memory", "none left")


class Saved:
    """A model or a tokenizer that writes one file."""

    def save_pretrained(self, folder: Path) -> None:
        (folder / "weights").write_text("w")


class Training:
    """Stands for a training: it keeps what it was asked for, and calls back as one does."""

    def __init__(self, during: Callable[[Watch], object] = lambda watch: None) -> None:
        self.during = during
        self.composed: Composed | None = None

    def __call__(self, composed: Composed, *, watch: Watch, **settings: Any) -> SimpleNamespace:
        self.composed, self.settings = composed, settings
        self.during(watch)
        best = SimpleNamespace(metrics={LOSS: 0.25})
        setup = SimpleNamespace(model=Saved(), tokens=SimpleNamespace(tokenizer=Saved()))
        return SimpleNamespace(setup=setup, result=SimpleNamespace(best=best))

    @property
    def config(self) -> Any:
        assert self.composed is not None
        return self.composed.config


NextAttempt = Callable[..., tuple[Attempt, Training]]


@pytest.fixture
def next_attempt(joined_worker: JoinedWorker, monkeypatch: pytest.MonkeyPatch) -> NextAttempt:
    """The next slot's attempt, and the training that stands for its own."""

    def claimed(
        during: Callable[[Watch], object] = lambda watch: None, **fields: Any
    ) -> tuple[Attempt, Training]:
        training = Training(during)
        monkeypatch.setattr(module, "run_finetuning", training)
        phase = Search(joined_worker.plan, joined_worker.study)
        reconcile(
            joined_worker.study, joined_worker.plan.settings, 2, phase.enqueued, may_reap=False
        )
        trial = claim(joined_worker.study, 2)
        assert trial is not None
        attempt = Attempt(
            joined_worker.plan, phase, phase.start_trial(trial), joined_worker.callbacks, **fields
        )
        return attempt, training

    return claimed


def evaluation(step: int, loss: float) -> Evaluation:
    return Evaluation(step, 0.5, {LOSS: loss})


def test_a_trial_is_composed_of_what_was_enqueued_and_leaves_its_weights(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    attempt, training = next_attempt()
    assert attempt.run() == 0.25
    assert training.config.training.learning_rate == 2e-4
    assert training.config.dataset.max_length == 32
    known = joined_worker.study.trials[0].user_attrs
    assert known[MODEL] == "minilm"
    assert known[VALUES]["training.epochs"] == 2
    assert known[WORKER] == joined_worker.row.id
    folder = Path(known[CHECKPOINT])
    assert folder == Path("mlruns/checkpoints/demo/slot-0000/attempt-1/model")
    assert (folder / "weights").read_text() == "w"


def test_each_attempt_at_a_slot_has_the_same_seed_and_each_slot_another(
    next_attempt: NextAttempt,
) -> None:
    seeds = []
    for _ in range(2):
        attempt, training = next_attempt()
        attempt.run()
        seeds.append(training.config.training.seed)
    assert len(set(seeds)) == 2
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_trial_has_the_precision_that_its_study_was_made_with(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    joined_worker.study.set_user_attr(PRECISION, "bf16")
    attempt, training = next_attempt()
    attempt.run()
    assert training.config.training.precision == "bf16"
    assert "training.precision" not in joined_worker.study.trials[0].user_attrs[VALUES]


def test_after_an_attempt_without_memory_the_batch_is_halved_once(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    first, training = next_attempt()
    first.run()
    assert (training.config.training.batch_size, first.retries(NO_MEMORY)) == (32, True)
    add_trial(
        joined_worker.study, TrialState.FAIL, slot=1, **{FAILURE: "out_of_memory", "retry": True}
    )
    assert first.retries(NO_MEMORY) is True  # that was another slot
    second, training = next_attempt()
    second.run()
    halved = training.config.training
    assert (halved.batch_size, halved.gradient_accumulation_steps) == (16, 2)
    assert halved.evaluation_batch_size == 32
    assert second.retries(NO_MEMORY) is False
    assert second.retries(Failure("infrastructure", "reset")) is True


@pytest.mark.parametrize(
    ("batch", "halved"),
    [((3, 1), (1, 3)), ((7, 1), (1, 7)), ((9, 1), (3, 3)), ((6, 3), (3, 6)), ((5, 4), (2, 10))],
)
def test_half_an_odd_batch_makes_the_same_steps(
    joined_worker: JoinedWorker, batch: tuple[int, int], halved: tuple[int, int]
) -> None:
    """Pairs of batch size and accumulated batches."""
    names = "training.batch_size", "training.gradient_accumulation_steps"
    values = dict(zip(names, batch, strict=True))
    composed = joined_worker.plan.compose_trial(values, seed=1)
    made = module._halved(composed)
    assert tuple(made[name] for name in names) == halved
    assert np.prod(halved) == np.prod(batch)


def test_the_pruner_sees_each_evaluation_at_its_step(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    def training(watch: Watch) -> None:
        watch.on_replay(evaluation(100, 0.9))
        watch.on_evaluation(evaluation(200, 0.8))

    attempt, _ = next_attempt(training)
    attempt.run()
    assert joined_worker.study.trials[0].intermediate_values == {100: 0.9, 200: 0.8}


def test_what_the_pruner_ends_is_pruned_and_what_is_replayed_is_not(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    joined_worker.study.pruner = ThresholdPruner(upper=0.5)
    attempt, _ = next_attempt(lambda watch: watch.on_replay(evaluation(100, 0.9)))
    attempt.run()
    attempt, _ = next_attempt(lambda watch: watch.on_evaluation(evaluation(100, 0.9)))
    with pytest.raises(TrialPruned):
        attempt.run()


class Failing(BasePruner):
    def prune(self, study: optuna.Study, trial: Any) -> bool:
        raise ZeroDivisionError("no variance")


def test_a_pruner_that_fails_fails_the_whole_sweep(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    joined_worker.study.pruner = Failing()
    attempt, _ = next_attempt(lambda watch: watch.on_evaluation(evaluation(100, 0.9)))
    message = r"^sweep\.pruner: MedianPruner failed: ZeroDivisionError: no variance$"
    with pytest.raises(WholeSweepError, match=message):
        attempt.run()


def test_the_seconds_of_a_pruned_attempt_are_kept_with_what_pruning_saved(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    def training(watch: Watch) -> None:
        attempt.outbox = joined_worker.callbacks.outbox(
            "trial-000000", uid="u", name="n", parent_run_id=None, tags={}
        )
        attempt.ledger.seconds |= {"training": 6.0, "evaluating": 2.0}
        attempt.ledger.first_step = 103.0
        watch.on_step(25, 100)
        raise TrialPruned

    attempt, _ = next_attempt(training, ended_at=100.0)
    with pytest.raises(TrialPruned):
        attempt.run()
    ledger = joined_worker.study.trials[0].user_attrs[LEDGER]
    assert ledger["seconds/training"] == 6.0
    assert ledger["seconds_saved/pruning"] == 24.0  # three quarters of it, at 8 s a quarter
    assert ledger["overhead_seconds"] == 3.0
    assert attempt.outbox is not None
    assert '"seconds_saved/pruning": 24.0' in (attempt.outbox.folder / "journal.jsonl").read_text()


def test_an_attempt_goes_on_from_what_was_committed_before(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    first, training = next_attempt()
    first.run()
    assert training.settings["resume"] is None
    training.settings["checkpoints"].commit(lambda folder: (folder / "state").touch(), step=7)
    assert joined_worker.study.trials[0].user_attrs[COMMITTED] == 7
    first.run()
    assert training.settings["resume"] == first.folder / "attempt-1" / "step-00000007"


def audited(joined_worker: JoinedWorker, share: float) -> SweepPlan:
    return replace(
        joined_worker.plan, settings=replace(joined_worker.plan.settings, prune_audit=share)
    )


def test_an_audited_trial_runs_on_with_a_mark_of_its_first_stop(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    study = joined_worker.study
    study.pruner = ThresholdPruner(upper=0.5)
    add_trial(study, value=0.75, slot=9, **{MODEL: "minilm"})
    add_trial(study, value=0.125, slot=8, **{MODEL: "distil_minilm"})

    def training(watch: Watch) -> None:
        attempt.ledger.seconds |= {"training": 6.0, "evaluating": 2.0}
        watch.on_evaluation(evaluation(100, 0.9))
        watch.on_evaluation(evaluation(200, 0.8))

    attempt, _ = next_attempt(training)
    attempt.plan = audited(joined_worker, 1.0)
    assert attempt.run() == 0.25
    trial = study.trials[attempt.trial.number]
    assert trial.user_attrs[PRUNE_AUDIT] == {"step": 100, "seconds": 8.0, "best": 0.75}
    assert trial.intermediate_values == {100: 0.9, 200: 0.8}
    assert attempt.tags["finesweep.prune_audit"] == 100


def test_the_share_that_is_audited_is_chosen_by_slot(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    joined_worker.study.pruner = ThresholdPruner(upper=0.5)
    share = trial_seed(joined_worker.study, "0/prune_audit") / 2**31
    attempt, stands = next_attempt(lambda watch: watch.on_evaluation(evaluation(100, 0.9)))
    attempt.plan = audited(joined_worker, share)
    with pytest.raises(TrialPruned):
        attempt.run()
    stands.during = lambda watch: watch.on_evaluation(evaluation(200, 0.9))
    attempt.plan = audited(joined_worker, share + 1e-6)
    assert attempt.run() == 0.25


def test_an_attempt_that_resumes_an_audited_slot_keeps_its_mark(
    joined_worker: JoinedWorker, next_attempt: NextAttempt
) -> None:
    mark = {"step": 100, "seconds": 8.0, "best": 0.75}
    add_trial(joined_worker.study, TrialState.FAIL, slot=0, **{PRUNE_AUDIT: mark, "retry": True})
    joined_worker.study.pruner = ThresholdPruner(upper=0.5)
    attempt, _ = next_attempt(lambda watch: watch.on_evaluation(evaluation(200, 0.9)))
    assert attempt.slot == 0
    assert attempt.run() == 0.25  # though sweep.prune_audit is 0 by now
    resumed = joined_worker.study.trials[attempt.trial.number].user_attrs[PRUNE_AUDIT]
    assert resumed == {**mark, "seconds": 0.0}
