"""Which runs can be trained again, and with what."""

from __future__ import annotations

from typing import Any

import pytest

from finesweep.config import compose
from finesweep.errors import ConfigError
from finesweep.runs.recorded import RecordedRun, read_run
from finesweep.runs.repetition import DEVIATION, plan_repetition
from finesweep.tracking import PARENT, TrackingStore, start_run

pytestmark = pytest.mark.slow

NOW = compose(["storage.cache_gb=5"])
CONFIG = compose(["training.epochs=7"]).yaml()
TRAIN = {"finesweep.kind": "train", "finesweep.trial_state": "COMPLETE"}


def recorded(
    store: TrackingStore,
    tags: dict[str, Any],
    *,
    config: str | None = CONFIG,
    cache: str = "off: x",
) -> RecordedRun:
    run = start_run(store, name="r", tags=tags, params={"activation_cache": cache})
    if config is not None:
        run.log_text(config, "config.yaml")
    return read_run(store, run.run_id)


def test_what_the_machine_decided_then_is_decided_so_again(store: TrackingStore) -> None:
    run = recorded(store, {**TRAIN, "finesweep.precision": "fp32"})
    config = plan_repetition(run, now=NOW).composed.config
    assert (config.training.epochs, config.training.precision) == (7, "fp32")
    assert config.storage.cache_gb == 0  # no activations were cached
    cached = plan_repetition(recorded(store, TRAIN, cache="depth 2: x"), now=NOW)
    assert cached.composed.config.storage.cache_gb == 5


def test_a_trial_has_its_sweeps_metric_and_noise(store: TrackingStore) -> None:
    parent = start_run(store, name="sweep")
    parent.log_text("sweep.metric: validation/f1\n", "sweep.yaml")
    parent.log_metrics({DEVIATION: 0.25}, step=0)
    trial = {**TRAIN, "finesweep.kind": "trial", PARENT: parent.run_id}
    planned = plan_repetition(recorded(store, trial), now=NOW)
    assert (planned.objective.metric, planned.objective.direction) == ("validation/f1", "maximize")
    assert planned.deviation == 0.25


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"finesweep.kind": "sweep", "finesweep.winner_run_id": "w"}, "reproduce its winner: w"),
        ({"finesweep.kind": "explore"}, "is of kind explore; must be train, trial, confirmation"),
        ({}, "is of kind none"),
        ({"finesweep.kind": "reproduce", "finesweep.reproduces": "o"}, "its original: o"),
        (
            {**TRAIN, "finesweep.trial_state": "FAIL", "finesweep.reason": "disk full"},
            "did not finish: disk full",
        ),
        ({**TRAIN, "finesweep.kind": "trial", PARENT: "gone"}, "its sweep's run is not in"),
    ],
)
def test_a_run_that_cannot_be_trained_again_is_refused(
    store: TrackingStore, tags: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_repetition(recorded(store, tags), now=NOW)


def test_a_run_without_its_config_is_refused(store: TrackingStore) -> None:
    with pytest.raises(ConfigError, match=r"its config\.yaml is not in the tracking store"):
        plan_repetition(recorded(store, TRAIN, config=None), now=NOW)
