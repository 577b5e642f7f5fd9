"""Sweeps of other metrics or data are told apart; those that share no score are refused."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from tests.unit.sweep.studies import add_trial

from finesweep.errors import ConfigError
from finesweep.report.compared_sweeps import compare_sweeps
from finesweep.sweep.selection.state import SweepState, read_state
from finesweep.sweep.study.keys import (
    DATA_FINGERPRINT,
    DEFINITION,
    LEDGER,
    MODEL,
    N_TRIALS,
    SWEEP,
    UID,
    VALUES,
)
from finesweep.tracking import TrackingStore

pytestmark = pytest.mark.slow


def swept(name: str, loss: float, *, data: str = "d", **definition: Any) -> SweepState:
    """A sweep of two trials, one of them pruned, without a winner."""
    study = optuna.create_study(study_name=name)
    defined = {"sweep.metric": "validation/loss", "sweep.enqueue": [{"model": "m"}], **definition}
    known = {SWEEP: name, UID: f"uid-{name}", N_TRIALS: 2, DEFINITION: defined}
    for key, value in known.items():
        study.set_user_attr(key, value)
    own = {MODEL: "m", VALUES: {}, DATA_FINGERPRINT: data, LEDGER: {"seconds/training": 2.0}}
    add_trial(study, TrialState.COMPLETE, loss, **own)
    add_trial(study, TrialState.PRUNED, None, **own)
    return read_state(study)


def test_definitions_differ_by_entry_and_best_values_stand_side_by_side(
    store: TrackingStore,
) -> None:
    enqueue = {"sweep.enqueue": [{"model": "m"}, {"model": "n"}]}
    made = compare_sweeps(store, [swept("a", 0.5), swept("b", 0.25, **enqueue)])
    assert made.settings == {"sweep.enqueue.1.model": (None, "n")}
    best = made.scores["best validation/loss"]
    assert [score and score.value for score in best] == [0.5, 0.25]
    assert (made.facts["pruned"], made.facts["seconds spent"]) == ((1, 1), (4.0, 4.0))
    assert made.notes == ("A has no winner yet.", "B has no winner yet.")


def test_other_data_are_told(store: TrackingStore) -> None:
    made = compare_sweeps(store, [swept("a", 0.5), swept("b", 0.5, data="e")])
    assert made.notes[0] == "The data differ (A d, B e), and so may the rows of the scores."


def test_sweeps_of_other_metrics_without_winners_are_refused_with_the_reasons(
    store: TrackingStore,
) -> None:
    other = swept("b", 0.5, data="e", **{"sweep.metric": "validation/f1"})
    with pytest.raises(ConfigError) as refused:
        compare_sweeps(store, [swept("a", 0.5), other])
    message = str(refused.value)
    assert message.startswith("compare: no two of them share a score: The metrics differ (A valid")
    assert "The data differ" in message
    assert "B has no winner yet." in message
