"""The command that trains a sweep's winner, or its best trial so far, again."""

from __future__ import annotations

import re
import shlex

from finesweep.config import SweepPlan, override_path
from finesweep.records import Finalist
from finesweep.report.records import Leader
from finesweep.sweep.selection.confirmation import SEED
from finesweep.sweep.selection.state import SweepState
from finesweep.sweep.study.keys import PRECISION, VALUES

NOT_OF_THE_RUN = ("evaluate_test", "storage", "tracking", "launcher", "workers")
"""Overrides of the sweep as a whole, which a run of its own takes from where it is run."""

WORD = re.compile(r"([^=]+)='(/?[A-Za-z]\w*(?:[./-]\w+)*)'")
NO_TEXT = ("true", "false", "null", "nan", "inf", "yes", "no", "on", "off")


def train_command(
    plan: SweepPlan | None,
    state: SweepState,
    finalist: Finalist | None,
    trial: int,
    leader: Leader | None,
) -> str | None:
    """`finesweep train …` with every override; None if the sweep's config does not compose here.

    The seed is the run's own: that of the trial, or of the confirmation's seed with the best
    validation, also where its seeds are combined.
    """
    if plan is None:
        return None
    values = dict(_values(state, finalist, trial))
    if precision := state.attributes.get(PRECISION):
        values.setdefault("training.precision", precision)
    if leader is not None and SEED in leader.params:
        values.setdefault(SEED, int(leader.params[SEED]))
    overrides = plan.compose_trial(values).overrides
    own = [each for each in overrides if override_path(each).split(".")[0] not in NOT_OF_THE_RUN]
    return shlex.join(["finesweep", "train", *dict.fromkeys(map(_unquoted, own))])


def _unquoted(override: str) -> str:
    """Without Hydra's quotes, where the value is a word that Hydra reads as text without them."""
    match = WORD.fullmatch(override)
    return override if match is None or match[2] in NO_TEXT else f"{match[1]}={match[2]}"


def _values(state: SweepState, finalist: Finalist | None, trial: int) -> dict[str, object]:
    """Plain path → value of the trial whose weights are the winner's."""
    trials = {f"{state.uid}/{each.number}": each for each in state.trials}
    if state.confirmation is not None:
        confirmed = state.confirmation
        trials |= {f"{confirmed.uid}/{each.number}": each for each in confirmed.trials}
    uid = f"{state.uid}/{trial}"
    if finalist is not None:
        combined = finalist.combined or {}
        own = (finalist.uid, combined.get("best_seed_uid"), uid)
        uid = next(each for each in own if each in trials)
    values: dict[str, object] = trials[uid].user_attrs.get(VALUES, {})
    return values
