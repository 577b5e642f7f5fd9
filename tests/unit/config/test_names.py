"""Names are those that MLflow's own validators take, and that its addresses lead back to."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.utils.models import _parse_model_uri
from mlflow.utils.validation import (
    _validate_experiment_name,
    _validate_model_alias_name,
    _validate_model_alias_name_reserved,
    _validate_model_name,
)

from finesweep.config import compose
from finesweep.config.names import (
    alias_complaint,
    experiment_complaint,
    model_complaint,
    require_model_name,
)
from finesweep.errors import ConfigError

pytestmark = pytest.mark.slow

NAMES = st.text(max_size=20) | st.text("ab/:@?#%;. '\"-_", max_size=8)
# How many of the drawn names pass is luck.
EXAMPLES = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)


@given(NAMES)
@example("team/tweets")
@example("..")
@EXAMPLES
def test_a_model_name_that_passes_is_taken_by_mlflow_and_found_again(name: str) -> None:
    assume(model_complaint(name) is None)
    _validate_model_name(name)
    found = _parse_model_uri(f"models:/{name}@challenger")
    assert (found.name, found.alias) == (name, "challenger")
    found = _parse_model_uri(f"models:/{name}/3")
    assert (found.name, found.version) == (name, "3")


@given(st.text(max_size=20) | st.text("aV1_-", max_size=5))
@example("latest")
@example("v1")
@example("LATEST")
@EXAMPLES
def test_an_alias_passes_when_mlflow_takes_it(alias: str) -> None:
    try:
        _validate_model_alias_name(alias)
        _validate_model_alias_name_reserved(alias)
    except MlflowException:
        assert alias_complaint(alias) is not None
    else:
        own = alias.isascii() and alias.lower() != "champion" and "\n" not in alias
        assert (alias_complaint(alias) is None) is own


@given(st.text(max_size=20))
@EXAMPLES
def test_an_experiment_name_that_passes_is_taken(name: str) -> None:
    assume(experiment_complaint(name) is None)
    _validate_experiment_name(name)


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", ".", ".."])
def test_a_command_says_that_no_model_can_be_called_so(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^MODEL: "):
        require_model_name(name, field="MODEL")


@pytest.mark.parametrize("name", ["plain", "what?", "50% off", "a#b"])
def test_a_command_asks_for_what_others_may_have_registered(name: str) -> None:
    require_model_name(name, field="MODEL")


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tracking.experiment=''", r"^tracking\.experiment: '' given; must not be empty"),
        (
            "registry.minimum={test/f2: 0.5}",
            r"^registry\.minimum\.test/f2: is not measured; did you",
        ),
        (
            "registry.minimum={f1: 0.5}",
            r"^registry\.minimum\.f1: is not measured; did you mean 'test",
        ),
        ("registry.minimum={test/loss: 0.5}", r"minimum\.test/loss: is better when lower"),
        ("training.teacher=models:/own", r"^training\.teacher: 'models:/own' is neither a folder"),
        (
            "training.teacher=runs:/1",
            r"^training\.teacher: 'runs:/1' is neither a folder nor a mod",
        ),
    ],
)
def test_names_of_every_command_are_checked(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose([override])
