"""Studies as a pruner is to see them: one model's trials, one for each slot."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.sweep.study.keys import MODEL, PRUNE_AUDIT, SLOT
from finesweep.sweep.study.optuna_private import StudyView
from finesweep.sweep.study.slots import is_duplicate

DECIDED = (TrialState.COMPLETE, TrialState.PRUNED)


class SameModel(StudyView):
    """One model's trials, one for each slot, as they would be without the prune audit.

    A trial that runs on for the prune audit is shown as the stopped one that it would have been,
    without its later values: in the median of complete trials they would make the pruner milder,
    and the audit would change what it measures.
    """

    def __init__(self, study: Study, model: str | None) -> None:
        super().__init__(study)
        self._model = model

    def show(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        same = (trial for trial in trials if trial.user_attrs.get(MODEL) == self._model)
        return [_as_stopped(trial) if _is_audited(trial) else trial for trial in one_per_slot(same)]


def one_per_slot(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trial of each slot, by number, with the values of all its attempts: they are attempts at
    the same trial, so that a retried one counts once, and as far as it came.

    A trial without a slot stands for itself.
    """
    attempts: dict[int, list[FrozenTrial]] = {}
    for trial in trials:
        if trial.state != TrialState.WAITING and not is_duplicate(trial):
            attempts.setdefault(trial.user_attrs.get(SLOT, -1 - trial.number), []).append(trial)
    return sorted(map(_merged, attempts.values()), key=lambda trial: trial.number)


def _merged(attempts: list[FrozenTrial]) -> FrozenTrial:
    if len(attempts) == 1:
        return attempts[0]
    by_number = sorted(attempts, key=lambda trial: (trial.state in DECIDED, trial.number))
    merged = copy(by_number[-1])
    merged.intermediate_values = {
        step: value for trial in by_number for step, value in trial.intermediate_values.items()
    }
    return merged


def _is_audited(trial: FrozenTrial) -> bool:
    """Whether the trial runs, or ran to its end, although the pruner would have stopped it."""
    is_running_on = trial.state in (TrialState.RUNNING, TrialState.COMPLETE)
    return is_running_on and PRUNE_AUDIT in trial.user_attrs


def _as_stopped(trial: FrozenTrial) -> FrozenTrial:
    """An audited trial as the pruner would have left it."""
    stopped, last = copy(trial), trial.user_attrs[PRUNE_AUDIT]["step"]
    values = {step: value for step, value in trial.intermediate_values.items() if step <= last}
    stopped.state, stopped.intermediate_values = TrialState.PRUNED, values
    stopped.value = values[max(values)] if values else None
    return stopped
