"""Tells Optuna that a trial has finished, even when the sampler fails."""

from __future__ import annotations

from collections.abc import Callable

from optuna import Study
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from finesweep.errors import reason
from finesweep.sweep.study.optuna_private import trial_now


def tell(
    study: Study,
    number: int,
    state: TrialState,
    value: float | None,
    *,
    say: Callable[[str], None],
) -> None:
    """Finishes the trial and calls the sampler's after_trial; its errors are only reported through
    say, because the trial is finished all the same.

    value is None for a pruned trial. UpdateFinishedTrialError when another worker finished it
    first: Optuna itself raises ValueError when it sees that before it calls the sampler.
    """
    try:
        study.tell(number, value, state=state)
    except UpdateFinishedTrialError:
        raise
    except Exception as error:
        trial = trial_now(study, number)
        if trial.state != state:
            if trial.state.is_finished():
                raise UpdateFinishedTrialError(f"trial {number} is {trial.state.name}") from error
            raise
        # An exhausted grid calls Study.stop, which Optuna allows only inside optimize().
        if not isinstance(error, RuntimeError):
            say(f"the sampler failed after trial {number}: {reason(error)}")
