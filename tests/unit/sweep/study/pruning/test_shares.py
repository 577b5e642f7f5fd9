"""Any pruner can compare at equal shares of the schedule."""

from __future__ import annotations

import pytest
from optuna.pruners import MedianPruner, ThresholdPruner
from optuna.trial import create_trial
from tests.unit.sweep.study.pruning.curves import run, study_of

from finesweep.sweep.study.keys import TOTAL
from finesweep.sweep.study.pruning.shares import AtShares, by_percent


def test_steps_are_percent_of_each_trials_own_schedule() -> None:
    study = study_of(AtShares(ThresholdPruner(upper=0.5, n_warmup_steps=50)))
    assert run(study, [0.9, 0.9, 0.4, 0.4], slot=0) == 2
    assert run(study, [0.9, 0.9, 0.9, 0.9], slot=1, total=12) is None  # a third


@pytest.mark.parametrize("per_trial", [3, 7])
def test_values_between_evaluations_lie_on_a_line(per_trial: int) -> None:
    study = study_of(AtShares(MedianPruner(n_startup_trials=1)))
    run(study, [0.8, 0.0], slot=0)
    line = [0.8 - 1.6 * max(0, k / per_trial - 0.5) for k in range(1, per_trial)]
    just_better = [value - 0.02 for value in line]
    assert run(study, just_better, slot=1, total=per_trial) is None
    last_worse = [*just_better[:-1], line[-1] + 0.02]
    assert run(study, [9.0, *last_worse[1:]], slot=2, total=per_trial) is not None


def test_percents_ascend_and_need_a_schedule() -> None:
    trial = create_trial(
        value=0.5, intermediate_values={300: 0.1, 100: 0.3}, user_attrs={TOTAL: 400}
    )
    assert list(by_percent(trial).items()) == [(25.0, 0.3), (75.0, 0.1)]
    assert by_percent(create_trial(value=0.5, intermediate_values={300: 0.1})) == {}
