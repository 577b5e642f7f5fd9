"""One attempt at a slot: what its trial runs, reports, saves and tells its observer."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from optuna import Study, Trial, TrialPruned
from optuna.trial import TrialState

from finesweep.config import SweepPlan
from finesweep.records import Evaluation
from finesweep.sweep.attributes import (
    ATTEMPT,
    CHECKPOINT,
    DATA_FINGERPRINT,
    MODEL,
    RUN_ID,
    SLOT,
    VALUES,
)
from finesweep.sweep.checkpoints import checkpoint_folder, save_checkpoint
from finesweep.sweep.interruption import Interruption
from finesweep.sweep.observer import Observer, TrialEnd, TrialStart
from finesweep.sweep.recording import TRIAL_STATE, Setup
from finesweep.sweep.slots import FINISHED, slots_of
from finesweep.sweep.space import objective_of, suggest
from finesweep.sweep.trial import Trained, Watch, run_trial
from finesweep.tracking import Run


class Attempt:
    """Holds one running Optuna trial, from its parameters to its saved weights."""

    def __init__(
        self,
        plan: SweepPlan,
        study: Study,
        trial: Trial,
        observer: Observer,
        interruption: Interruption,
    ) -> None:
        self.plan, self.study = plan, study
        self.trial, self.observer, self.interruption = trial, observer, interruption
        self.slot = int(trial.user_attrs[SLOT])
        self.number_of_attempt = int(trial.user_attrs[ATTEMPT])
        self.objective = objective_of(plan)
        self.began, self.seen = time.monotonic(), 0
        self.start = self._described("", {})

    def run(self, parent: Run) -> float:
        """The objective's value at the best checkpoint, whose weights are saved by then."""
        recipe = self.plan.recipes[self.slot] if self.slot < len(self.plan.recipes) else {}
        values = dict(recipe) | suggest(self.trial, self.plan)
        composed = self.plan.compose_trial(values, seed=trial_seed(self.study, self.slot))
        model = composed.choices.get(MODEL, composed.config.model.name_or_path)
        self.trial.set_user_attr(MODEL, model)
        self.trial.set_user_attr(VALUES, values)
        self.start = self._described(model, values)
        self.observer.started(self.start)
        trained = run_trial(
            composed,
            objective=self.objective,
            tags=self._tags(),
            parent_run_id=parent.run_id,
            watch=Watch(self._on_start, self._on_evaluation, self._on_step),
        )
        self._save(trained)
        return trained.result.best.metrics[self.objective.metric]

    def ended(self, state: str, *, value: float | None = None, why: str | None = None) -> None:
        """Tells the observer how it went."""
        complete = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        best = self.study.best_value if complete else None
        seconds = time.monotonic() - self.began
        self.observer.ended(TrialEnd(self.start, state, value, why, seconds, self.seen, best))

    def _described(self, model: str, values: Mapping[str, Any]) -> TrialStart:
        n_slots = self.plan.settings.n_trials
        found = slots_of(self.study.get_trials(deepcopy=False), n_slots)
        n_finished = sum(slot.state in FINISHED for slot in found)
        return TrialStart(self.trial.number, self.slot, n_slots, n_finished, model, values)

    def _tags(self) -> dict[str, Any]:
        return {
            "finesweep.kind": "trial",
            "finesweep.sweep": self.study.study_name,
            "finesweep.trial_number": self.trial.number,
            "finesweep.slot": self.slot,
            "finesweep.attempt": self.number_of_attempt,
            TRIAL_STATE: "RUNNING",
        }

    def _on_start(self, run: Run, setup: Setup) -> None:
        self.trial.set_user_attr(RUN_ID, run.run_id)
        self.trial.set_user_attr(DATA_FINGERPRINT, setup.dataset.fingerprint)

    def _on_step(self, seen: int, total: int) -> None:
        self.interruption.check()
        self.seen = seen
        self.observer.stepped(seen, total)

    def _on_evaluation(self, evaluation: Evaluation) -> None:
        """Reports to Optuna; TrialPruned when the pruner has seen enough."""
        self.observer.evaluated(evaluation)
        self.trial.report(evaluation.metrics[self.objective.metric], step=evaluation.step)
        if self.trial.should_prune():
            raise TrialPruned

    def _save(self, trained: Trained) -> None:
        root = self.plan.base.config.storage.checkpoints
        folder = checkpoint_folder(
            root, self.study.study_name, slot=self.slot, attempt=self.number_of_attempt
        )
        save_checkpoint(folder, trained.setup.model, trained.setup.tokens.tokenizer)
        self.trial.set_user_attr(CHECKPOINT, str(folder))


def trial_seed(study: Study, slot: int) -> int:
    """A seed below 2**31 from study and slot, so that a repeated attempt repeats its trial."""
    digest = hashlib.sha256(f"{study.study_name}/{slot}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
