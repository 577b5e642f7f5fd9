"""How Optuna hears of a finished trial, whatever its sampler makes of it."""

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
    """The trial is finished, and the sampler's after_trial was called; what that raises is said,
    since the trial is finished all the same.

    A pruned trial has no value of its own. UpdateFinishedTrialError when others finished it before:
    Optuna itself says ValueError where it sees that before it asks the sampler.
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
        # A grid that has been searched through calls Study.stop, which is for Optuna's own loop.
        if not isinstance(error, RuntimeError):
            say(f"the sampler failed after trial {number}: {reason(error)}")
