"""What a user is told of a config that does not compose."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from finesweep.config import compose, user_files
from finesweep.errors import ConfigError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workplace")]

MISTAKES = {
    "training.learning_rat=1": r"^training\.learning_rat: no such field; "
    r"did you mean 'training\.learning_rate'\? known: training\.batch_size, ",
    "trainin.epochs=1": r"^trainin\.epochs: no such field; did you mean 'training\.epochs'\?",
    "dataset.files.trian=x": r"did you mean 'dataset\.files\.train'\? known: dataset\.files\.test",
    "training.epochs.foo=1": r"^training\.epochs\.foo: no such field; did you mean",
    "+training.foo=1": r"^training\.foo: no such field; ",
    "++training.foo=1": r"^training\.foo: no such field; ",
    "+foo=1": r"^foo: no such field; known: adapt, dataset, evaluate_test, launcher, model, ",
    "+training.epochs=1": r"^training\.epochs: Could not append .* already at 'training\.epochs'",
    "model=brt": r"^model: no choice 'brt'; did you mean 'bert'\? known: bert, checkpoint, ",
    "training=xyz": r"^training: no choice 'xyz'; known: default$",
    "modle=bert": r"^modle: no such field; did you mean 'model'\?",
    "+modle=bert": r"^modle: no such field; did you mean 'model'\?",
    "hydra.foo=1": r"^hydra\.foo: Key 'foo' not in 'HydraConf'",
    "training.learning_rate=abc": r"^training\.learning_rate: 'abc' given; must be a number$",
    "training.epochs=2.5": r"^training\.epochs: '2\.5' given; must be a whole number$",
    "training.epochs=true": r"^training\.epochs: 'True' given; must be a whole number$",
    "training={epochs: x}": r"^training\.epochs: 'x' given; must be a whole number$",
    "dataset.label_names=5": r"^dataset\.label_names: Invalid value assigned: int is not a List",
    "training.epochs=null": r"^training\.epochs: null given; must have a value$",
    "training.precision=null": r"^training\.precision: null given; must have a value$",
    "training.learning_rate=-1": r"^training\.learning_rate: -1\.0 given; must be above 0$",
    "training.learning_rate=0": r"^training\.learning_rate: 0\.0 given; must be above 0$",
    "training.learning_rate=nan": r"^training\.learning_rate: nan given; must be ",
    "training.learning_rate=inf": r"^training\.learning_rate: inf given; must be ",
    "training.learning_rate=1e400": r"^training\.learning_rate: inf given; must be ",
    "training.weight_decay=-0.1": r"^training\.weight_decay: -0\.1 given; must be at least 0$",
    "training.warmup_ratio=1": r"warmup_ratio: 1\.0 given; must be at least 0 and below 1$",
    "dataset.max_length=2": r"^dataset\.max_length: 2 given; must be at least 3$",
    "dataset.train_size=0": r"^dataset\.train_size: 0 given; must be above 0$",
    "training.early_stopping_patience=0": r"early_stopping_patience: 0 given; must be at least 1$",
    "training.precision=fp8": r"^training\.precision: 'fp8' is not a choice; "
    r"did you mean 'fp32'\? known: auto, bf16, fp16, fp32$",
    "training.class_weights=even": r"'even' is not a choice; known: balanced, none$",
    "model.freeze_layers=top": r"^model\.freeze_layers: 'top' given; must be 0, a number of layers",
    "model.freeze_layers=-1": r"^model\.freeze_layers: -1 given; must be 0, a number of layers",
    "training.epochs=[1": r"^training\.epochs=\[1: not an override; no viable alternative at",
    "training.epochs": r"^training\.epochs: not an override; ",
    "": r"^: not an override; ",
    "dataset.name=a=b": r"^dataset\.name=a=b: not an override; mismatched input '='",
    "training.epochs=range(1, 3)": r"^training\.epochs: Sweep parameters .* requires --multirun",
    "model=bert,minilm": r"^model: Ambiguous value for argument 'model=bert,minilm'",
    "training.weight_decay=${training.nope}": r"^training\.weight_decay: .*'training\.nope' not f",
    "model=checkpoint": r"^model\.name_or_path: must be given$",
    "tracking.uri=???": r"^tracking\.uri: must be given$",
    "workers=???": r"^workers: must be given$",
}


@pytest.mark.parametrize("override", MISTAKES)
def test_a_mistake_is_told_with_its_path_and_what_is_allowed(override: str) -> None:
    with pytest.raises(ConfigError, match=MISTAKES[override]) as caught:
        compose([override])
    assert len(caught.value.problems) == 1
    assert caught.value.exit_code == 2


BADLY_WORDED = {
    # A field of a section that is null: OmegaConf asserts.
    "sweep.n_trials=3": r"^sweep\.n_trials: ",
    "+sweep.n_trials=3": r"^sweep\.n_trials: ",
    # Hydra names the group in no attribute.
    "model=null": r"^model: ",
    "training=5": r"^training: ",
    # Infinity is above 0.
    "training.learning_rate=inf": r"inf given; must be finite and above 0$",
    # OmegaConf's own words for unions and booleans.
    "dataset.train_size=abc": r"^dataset\.train_size: 'abc' given; must be a number$",
    "model.freeze_layers=2.5": r"^model\.freeze_layers: '2\.5' given; must be a whole number or ",
    "evaluate_test=maybe": r"^evaluate_test: 'maybe' given; must be true or false$",
}


@pytest.mark.parametrize("override", BADLY_WORDED)
def test_a_mistake_that_hydra_words_badly_is_told_as_well(override: str) -> None:
    with pytest.raises(ConfigError, match=BADLY_WORDED[override]):
        compose([override])


def test_problems_of_range_are_listed_together() -> None:
    overrides = ["training.batch_size=0", "workers=0", "model.freeze_layers=-2"]
    with pytest.raises(ConfigError, match=r"^3 problems:\n  model\.freeze_layers: -2") as caught:
        compose(overrides)
    paths = [problem.path for problem in caught.value.problems]
    assert paths == ["model.freeze_layers", "training.batch_size", "workers"]


def test_unknown_fields_are_listed_together() -> None:
    with pytest.raises(ConfigError, match="2 problems") as caught:
        compose(["training.epoch=1", "training.seed=1", "model.freeze=1"])
    paths = [problem.path for problem in caught.value.problems]
    assert paths == ["training.epoch", "model.freeze"]


def test_a_stray_field_and_a_bad_value_are_listed_together() -> None:
    with pytest.raises(ConfigError, match="2 problems") as caught:
        compose(["+training.foo=1", "training.epochs=0"])
    assert [problem.path for problem in caught.value.problems] == [
        "training.foo",
        "training.epochs",
    ]


def test_all_that_must_be_given_is_listed_together() -> None:
    with pytest.raises(ConfigError, match="2 problems") as caught:
        compose(["model=checkpoint", "dataset.name=???"])
    assert [problem.path for problem in caught.value.problems] == [
        "dataset.name",
        "model.name_or_path",
    ]


def test_a_file_that_cannot_be_read_is_named_with_the_place(workplace: Path) -> None:
    (workplace / "conf/model").mkdir(parents=True)
    file = workplace / "conf/model/mine.yaml"
    file.write_text("name_or_path: [x\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^model/mine: is not YAML: while parsing .*line 1, col"):
        compose(["model=mine"])
    file.write_bytes("name_or_path: für\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"^model/mine: is not UTF-8: .* position 15"):
        compose(["model=mine"])
    with pytest.raises(ConfigError, match=r"^conf/model/mine\.yaml: is not UTF-8: "):
        user_files()  # which a sweep gives to its workers


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("freeze_layer: 2\n", r"model/mine: .*'freeze_layer'"),
        ("distil: maybe\n", r"model/mine: .*'maybe'"),
        ("3\n", r"model/mine: .*mapping"),
    ],
)
def test_a_mistake_in_the_users_file_is_told_with_its_name(
    workplace: Path, content: str, message: str
) -> None:
    (workplace / "conf/model").mkdir(parents=True)
    (workplace / "conf/model/mine.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        compose(["model=mine"])


def test_a_variable_that_is_not_set_is_told_with_the_field(workplace: Path) -> None:
    (workplace / "conf/model").mkdir(parents=True)
    text = "name_or_path: ${oc.env:FINESWEEP_ABSENT}\n"
    (workplace / "conf/model/mine.yaml").write_text(text, encoding="utf-8")
    message = r"^model\.name_or_path: .*Environment variable 'FINESWEEP_ABSENT' not found"
    with pytest.raises(ConfigError, match=message):
        compose(["model=mine"])


def test_a_failed_assertion_of_our_own_stays_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(config: object) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr(import_module("finesweep.config.compose"), "range_problems", fails)
    with pytest.raises(AssertionError, match=r"^a bug$"):
        compose()
