"""The config of a recorded run is composed again, with the stores of now."""

from __future__ import annotations

import pytest

from finesweep.config import compose
from finesweep.config.recorded import recorded_config
from finesweep.errors import ConfigError

pytestmark = pytest.mark.slow

THEN = compose(
    [
        "model=minilm",
        "training.epochs=7",
        "dataset.train_size=0.5",
        "dataset.label_map={1: good, no: null}",
        "tracking.uri='postgresql://ada:secret@db/mlflow'",
    ]
)
NOW = compose(["tracking.uri=sqlite:///here.db"])


def test_settings_are_as_recorded_and_stores_are_those_of_now() -> None:
    text = THEN.yaml().replace("secret", "***")
    again = recorded_config(text, {"model": "minilm", "model.revision": "None"}, now=NOW)
    assert again.config.training == THEN.config.training
    assert again.config.dataset == THEN.config.dataset
    assert again.config.model == THEN.config.model
    assert again.config.tracking == NOW.config.tracking
    assert again.choices == {"model": "minilm"}
    assert THEN.config.evaluate_test
    assert not again.config.evaluate_test


def test_a_field_newer_than_the_run_has_its_default() -> None:
    lines = [line for line in THEN.yaml().splitlines() if "pruning_rows" not in line]
    again = recorded_config("\n".join(lines), {}, now=NOW)
    assert again.config.training.pruning_rows is None
    assert again.config.training.epochs == 7


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 7", "rounds: 7", r"training\.rounds: recorded by a version with other settings"),
        ("epochs: 7", "epochs: many", r"training\.epochs: recorded by a version"),
        ("epochs: 7", "epochs: 0", r"training\.epochs: 0 given; must be at least 1"),
    ],
)
def test_what_this_version_does_not_take_is_named(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        recorded_config(THEN.yaml().replace(old, new), {}, now=NOW)
