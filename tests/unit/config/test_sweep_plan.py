"""A sweep file and the command line, read together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler

from finesweep.config import (
    Choice,
    Fixed,
    Interval,
    Range,
    Searched,
    SweepPlan,
    borrowed_name,
    build,
    compose_sweep,
    data_problems,
    plain_path,
    typed_overrides,
    worker_overrides,
)
from finesweep.errors import ConfigError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workplace")]

Mine = Callable[..., SweepPlan]
RATE = "training.learning_rate"


@pytest.fixture
def mine(workplace: Path) -> Mine:
    """Composes ./sweeps/mine.yaml of these lines, with three trials."""

    def composed(lines: str, *overrides: str, n_trials: object = 3) -> SweepPlan:
        path = workplace / "sweeps" / "mine.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# @package sweep\nn_trials: {n_trials}\n{lines}\n", encoding="utf-8")
        return compose_sweep("mine", list(overrides))

    return composed


def names(plan: SweepPlan) -> list[str]:
    return [item.name for item in plan.searched]


def searched(plan: SweepPlan, name: str) -> Any:
    (item,) = [item for item in plan.searched if item.name == name]
    return item.dimension


def test_the_demo_searches_five_fields_and_depth_by_model() -> None:
    plan = compose_sweep("demo", [])
    assert plan.searched == (
        Searched("model", Choice(("minilm", "distil_minilm"))),
        Searched(RATE, Interval(2e-5, 5e-4, log=True, integer=False)),
        Searched("training.epochs", Range(1, 3, 1, log=False)),
        Searched("dataset.max_length", Choice((24, 32, 48))),
        Searched("training.weight_decay", Interval(0.0, 0.1, log=False, integer=False)),
        Searched("model.freeze_layers", Range(0, 6, 2, log=False), "model=minilm"),
        Searched("model.freeze_layers", Range(0, 3, 1, log=False), "model=distil_minilm"),
    )
    assert plan.conditional == ()
    assert plan.settings.n_trials == 10
    assert plan.settings.metric == "validation/loss"
    assert plan.study_name == plan.name == "demo"


def test_the_demo_fixes_its_data_and_batch() -> None:
    config = compose_sweep("demo", []).base.config
    assert (config.dataset.name, config.dataset.train_size) == ("tweets", 1000)
    assert (config.training.batch_size, config.training.evaluations_per_epoch) == (32, 3)


def test_the_demo_enqueues_one_trial_of_each_model_first() -> None:
    same = {RATE: 2e-4, "training.epochs": 2, "dataset.max_length": 32}
    assert [dict(params) for params in compose_sweep("demo", []).enqueued] == [
        {"model": "minilm", **same},
        {"model": "distil_minilm", **same},
    ]


def test_a_conditional_dimension_has_a_name_of_its_own() -> None:
    item = Searched("model.freeze_layers", Choice((1,)), "model=bert")
    assert item.name == "model.freeze_layers|model=bert"
    assert plain_path(item.name) == "model.freeze_layers"
    assert Searched(RATE, Choice((1,))).name == plain_path(RATE) == RATE


def test_a_sweep_override_replaces_a_dimension_and_leaves_enqueued_params_without_it() -> None:
    plan = compose_sweep("demo", [f"{RATE}=interval(1e-5, 3e-5)"])
    assert searched(plan, RATE) == Interval(1e-5, 3e-5, log=False, integer=False)
    assert len(plan.searched) == 7
    assert all(RATE not in params for params in plan.enqueued)
    assert [params["training.epochs"] for params in plan.enqueued] == [2, 2]


def test_a_sweep_override_adds_a_dimension_or_replaces_a_fixed_value() -> None:
    plan = compose_sweep(
        "demo", ["training.warmup_ratio=choice(0, 0.1)", "training.batch_size=8,16"]
    )
    assert searched(plan, "training.warmup_ratio") == Choice((0, 0.1))
    assert searched(plan, "training.batch_size") == Choice((8, 16))
    assert not [text for text in plan.overrides if text.startswith("training.batch_size")]


def test_a_plain_override_fixes_a_dimension_and_leaves_enqueued_params_without_it() -> None:
    plan = compose_sweep("demo", [f"{RATE}=1e-4"])
    assert RATE not in names(plan)
    assert plan.base.config.training.learning_rate == 1e-4
    assert all(RATE not in params for params in plan.enqueued)
    assert plan.compose_trial({"model": "minilm"}).config.training.learning_rate == 1e-4


def test_a_plain_override_wins_over_a_fixed_value() -> None:
    plan = compose_sweep("demo", ["dataset.train_size=50", "training.batch_size=4"])
    assert plan.base.config.dataset.train_size == 50
    assert plan.base.config.training.batch_size == 4


@pytest.mark.parametrize("override", ["model.freeze_layers=1", "model.freeze_layers=range(0, 2)"])
def test_the_command_line_wins_over_when(override: str) -> None:
    named = [name for name in names(compose_sweep("demo", [override])) if "freeze" in name]
    assert named == (["model.freeze_layers"] if "range" in override else [])


def test_the_command_line_wins_over_a_value_that_when_fixes(mine: Mine) -> None:
    lines = "when: {model=bert: {training.batch_size: 8}}"
    assert mine(lines).conditional == (Fixed("training.batch_size", 8, "model=bert"),)
    assert mine(lines).base.config.training.batch_size == 16
    assert mine(lines, "training.batch_size=4").conditional == ()


def test_settings_of_the_sweep_are_no_fields_of_its_trials() -> None:
    plan = compose_sweep("demo", ["sweep.n_trials=20", "+sweep.study=other", "workers=2"])
    assert (plan.settings.n_trials, plan.study_name, plan.name) == (20, "other", "demo")
    assert plan.base.config.workers == 2
    assert not [text for text in plan.overrides if "sweep" in text]
    assert compose_sweep("demo", ["sweep.register=null"]).settings.register is None


@pytest.mark.parametrize(
    ("override", "gone"),
    [
        ("~sweep.params.training.weight_decay", "training.weight_decay"),
        ("~sweep.pruner.n_startup_trials", None),
        ("+sweep.params={training.epochs: 3}", "training.epochs"),
    ],
)
def test_what_is_added_to_or_deleted_from_the_sweep_is_no_override_of_its_trials(
    override: str, gone: str | None
) -> None:
    plan = compose_sweep("demo", [override])
    assert gone not in names(plan)
    assert plan.compose_trial({}).config.training == compose_sweep("demo", []).base.config.training


def test_storage_and_tracking_hold_for_every_trial() -> None:
    plan = compose_sweep("demo", ["storage.url=sqlite:///a.db", "tracking.uri=sqlite:///b.db"])
    config = plan.compose_trial({}).config
    assert (config.storage.url, config.tracking.uri) == ("sqlite:///a.db", "sqlite:///b.db")


def test_a_trial_is_the_base_with_its_values_and_seed() -> None:
    plan = compose_sweep("demo", [])
    values = {"model": "distil_minilm", RATE: 3.3e-5, "model.freeze_layers": 2}
    trial = plan.compose_trial(values, seed=7)
    assert trial.choices["model"] == "distil_minilm"
    assert trial.config.model.distil is True
    assert trial.config.model.freeze_layers == 2
    assert trial.config.training.learning_rate == 3.3e-5
    assert trial.config.training.batch_size == 32
    assert trial.config.training.seed == 7
    assert trial.config.dataset.seed == 42
    assert trial.config.sweep is None


def test_a_trial_does_not_look_at_the_test_split() -> None:
    plan = compose_sweep("demo", [])
    assert plan.compose_trial({}).config.evaluate_test is False


def test_a_sweep_that_sets_the_seed_itself_keeps_it(mine: Mine) -> None:
    assert mine("params: {training.seed: 5}").compose_trial({}, seed=7).config.training.seed == 5
    plan = mine("params: {training.seed: 'choice(1, 2)'}")
    assert plan.compose_trial({"training.seed": 2}, seed=7).config.training.seed == 2
    assert mine("", "training.seed=9").compose_trial({}, seed=7).config.training.seed == 9


def test_plain_values_reach_the_config_with_their_type(mine: Mine) -> None:
    config = mine(
        "params:\n"
        "  dataset.train_size: null\n"
        "  dataset.label_names: [no, 'it''s, yes']\n"
        "  dataset.name: 'hello: world'\n"
        "  training: default\n"
        "  training.learning_rate: 3e-5\n"
    ).base.config
    assert config.dataset.train_size is None
    assert config.dataset.label_names == ["False", "it's, yes"]
    assert config.dataset.name == "hello: world"
    assert config.training.learning_rate == 3e-5


def test_the_users_folder_adds_and_replaces_sweeps(mine: Mine, workplace: Path) -> None:
    assert mine("params: {training.epochs: 2}").base.config.training.epochs == 2
    (workplace / "sweeps/demo.yaml").write_text("# @package sweep\nn_trials: 1\n", encoding="utf-8")
    assert compose_sweep("demo", []).settings.n_trials == 1


def test_an_unknown_sweep_offers_the_nearest(mine: Mine) -> None:
    with pytest.raises(
        ConfigError, match=r"no sweep 'dmo'; did you mean 'demo'\? known: .*demo, imdb,"
    ):
        compose_sweep("dmo", [])
    mine("")
    with pytest.raises(ConfigError, match=r"no sweep 'mien'; .* known: .*imdb, .*mine, "):
        compose_sweep("mien", [])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            "params: {training.epoch: 2}",
            r"^training\.epoch: no such field; did you mean",
        ),
        ("params: {training.epoch: 'range(1, 3)'}", r"^training\.epoch: no such field"),
        ("when: {model=bert: {model.freeze: 2}}", r"^model\.freeze: no such field; did you mean"),
        ("params: {training.epochs: 0}", r"^training\.epochs: 0 given; must be at least 1"),
        ("params: {training.epochs: null}", r"^training\.epochs: null given; must have a value"),
        ("params: {model: brt}", r"^model: no choice 'brt'; did you mean 'bert'\?"),
        ("params: {training.epochs: 'choice()'}", r"^training\.epochs: choice\(\) has nothing to"),
        ("params: {training.epochs: 'range(3, 1)'}", r"^training\.epochs: range\(3, 1, 1\) is emp"),
        ("params: {training.epochs: 'range(3'}", r"^training\.epochs: not in Hydra's grammar; no"),
        ("params: {workers: 2}", r"^workers: belongs to the whole sweep, not to its trials"),
        ("params: {tracking: local}", r"^tracking: belongs to the whole sweep, not to its"),
        ("params: {storage.url: 'a, b'}", r"^storage\.url: belongs to the whole sweep, not to"),
        ("params: {sweep.n_trials: 2}", r"^sweep\.n_trials: belongs to the whole sweep, not to"),
        ("when: {model=bert: {workers: 2}}", r"^workers: belongs to the whole sweep, not to its"),
        (
            "when: {model=brt: {training.epochs: 2}}",
            r"^sweep\.when\.model=brt: no such choice; did you mean 'bert'\? known: bert, check",
        ),
        ("when: {modle=bert: {}}", r"modle=bert: no such choice; a condition is one group=choice"),
        ("when: {model: {}}", r"when\.model: no such choice; a condition is one group=choice, as"),
        ("timeout_minutes: 0", r"^sweep\.timeout_minutes: 0\.0 given; must be above 0"),
        ("direction: minimise", r"^sweep\.direction: 'minimise' is not a choice; did you mean"),
        ("params: {a: [1}", r"^sweeps/mine: is not YAML: while parsing a flow"),
    ],
)
def test_a_mistake_in_a_sweep_file_is_told_with_its_path(
    mine: Mine, lines: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        mine(lines)


def test_a_sweep_needs_a_number_of_trials_or_time(mine: Mine) -> None:
    message = (
        r"^sweep\.n_trials: null given; must be a number of trials, or sweep\.timeout_minutes must"
    )
    with pytest.raises(ConfigError, match=message):
        mine("params: {}", "sweep.n_trials=null")
    settings = mine("params: {}", "sweep.n_trials=null", "sweep.timeout_minutes=5").settings
    assert (settings.n_trials, settings.timeout_minutes) == (None, 5.0)


def test_unknown_fields_of_a_sweep_are_listed_together(mine: Mine) -> None:
    with pytest.raises(ConfigError, match="3 problems") as caught:
        mine("params: {training.epoch: 2, workers: 2}", "model.freeze=range(0, 2)")
    paths = [problem.path for problem in caught.value.problems]
    assert paths == ["training.epoch", "workers", "model.freeze"]


def test_a_sweep_needs_at_least_one_trial(mine: Mine) -> None:
    with pytest.raises(ConfigError, match=r"^sweep\.n_trials: 0 given; must be at least 1"):
        mine("", n_trials=0)
    with pytest.raises(ConfigError, match=r"^sweep\.n_trials: must be given"):
        mine("", n_trials="???")


def test_a_share_is_at_most_all(mine: Mine) -> None:
    assert mine("", "sweep.prune_audit=1").settings.prune_audit == 1.0
    message = r"^sweep\.prune_audit: 1\.5 given; must be at least 0 and at most 1$"
    with pytest.raises(ConfigError, match=message):
        mine("", "sweep.prune_audit=1.5")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("storage.url=a,b", r"^storage\.url: belongs to the whole sweep and cannot be searched"),
        ("sweep.n_trials=range(1, 3)", r"^sweep\.n_trials: belongs to the whole sweep and cannot"),
        ("workers=1,2", r"^workers: belongs to the whole sweep and cannot be searched"),
        ("hydra.verbose=true,false", r"^hydra\.verbose: belongs to the whole sweep and cannot"),
        ("sweep.n_trial=2", r"^sweep\.n_trial: no such field; did you mean 'sweep\.n_trials'\?"),
        ("training.epoch=2", r"^training\.epoch: no such field; did you mean 'training\.epochs'\?"),
        ("training.epoch=1,2", r"^training\.epoch: no such field; did you mean 'training\.epoch"),
        ("training.epochs=0", r"^training\.epochs: 0 given; must be at least 1"),
        ("training.epochs=choice()", r"^training\.epochs: choice\(\) has nothing to choose from"),
        ("training.epochs=glob(*)", r"^training\.epochs: glob\(\) cannot be searched"),
        ("training.epochs=[1", r"^training\.epochs: not in Hydra's grammar; "),
    ],
)
def test_a_mistake_on_the_command_line_is_told_with_its_path(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose_sweep("demo", [override])


def test_build_makes_what_a_target_describes() -> None:
    sampler = build({"_target_": "optuna.samplers.TPESampler", "n_startup_trials": 4, "seed": 1})
    assert isinstance(sampler, TPESampler)
    assert sampler._n_startup_trials == 4
    pruner = build(compose_sweep("demo", []).settings.pruner)
    assert isinstance(pruner, MedianPruner)
    assert pruner._n_startup_trials == 1


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (
            {"_target_": "optuna.samplers.TPESampler", "sed": 1},
            r"^optuna\.samplers\.TPESampler: .*unexpected keyword argument 'sed'$",
        ),
        (
            {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": -1},
            r"^optuna\.pruners\.MedianPruner: .*cannot be negative, but got n_startup_trials=-1",
        ),
        ({"_target_": "optuna.samplers.Nope"}, r"^optuna\.samplers\.Nope: Error loading .*Nope'"),
        ({"_target_": "optuna.samplers"}, r"^optuna\.samplers: Expected a callable target"),
    ],
)
def test_what_cannot_be_built_is_told_by_its_target(node: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        build(node)
    assert "\n" not in str(caught.value)


def test_a_plain_override_with_plus_signs_fixes_a_dimension_too() -> None:
    plan = compose_sweep("demo", [f"++{RATE}=1e-4"])
    assert RATE not in names(plan)
    assert all(RATE not in params for params in plan.enqueued)


@pytest.mark.parametrize(
    ("overrides", "epochs"),
    [
        (["training.epochs=range(1, 5)", "training.epochs=2,3"], Choice((2, 3))),
        (["training.epochs=range(1, 5)", "training.epochs=1"], None),
    ],
)
def test_the_last_override_of_a_field_wins(overrides: list[str], epochs: object) -> None:
    plan = compose_sweep("demo", overrides)
    given = [item.dimension for item in plan.searched if item.path == "training.epochs"]
    assert given == ([] if epochs is None else [epochs])


def test_enqueued_params_that_the_command_line_makes_equal_are_tried_once() -> None:
    assert len(compose_sweep("demo", ["model=minilm"]).enqueued) == 1


@pytest.mark.parametrize("override", ["sweep=null", "~sweep"])
def test_a_sweep_cannot_be_taken_away_from_itself(override: str) -> None:
    with pytest.raises(ConfigError, match=r"^sweep: "):
        compose_sweep("demo", [override])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("params: {hydra.run.dir: x}", r"^hydra\.run\.dir: belongs to the whole sweep, not to"),
        ("n_trial: 2", r"sweeps/mine: .*'n_trial'"),
        ("keep_top_k: x", r"sweeps/mine: .*'x'"),
        ("params: null", r"sweeps/mine: .*params"),
    ],
)
def test_a_mistake_in_a_sweep_file_is_told_in_words(mine: Mine, lines: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        mine(lines)


@pytest.mark.parametrize("override", ["evaluate_test=true", "evaluate_test=choice(true,false)"])
def test_no_trial_can_be_made_to_see_the_test_split(override: str) -> None:
    with pytest.raises(ConfigError, match=r"^evaluate_test: "):
        compose_sweep("demo", [override])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("enqueue: [{workers: 4}]", r"^workers: belongs to the whole sweep, not to its trials"),
        ("enqueue: [{tracking.uri: x}]", r"^tracking\.uri: belongs to the whole sweep, not to"),
        ("enqueue: [{evaluate_test: true}]", r"^evaluate_test: belongs to the whole sweep, not"),
        ("enqueue: [{training.epoch: 2}]", r"^training\.epoch: no such field; did you mean"),
        ("params: {training: {epochs: 2}}", r"^training: is a section; set its fields one by"),
        ("params: {dataset.files: 'a, b'}", r"^dataset\.files: is a section; set its fields"),
        ("when: {model=bert: {model: minilm}}", r"^sweep\.when\.model=bert: cannot set model it"),
        ("when: {tracking=local: {model: bert}}", r"^sweep\.when\.tracking=local: no such choi"),
        ("when: {sweeps=demo: {model: bert}}", r"^sweep\.when\.sweeps=demo: no such choice; a c"),
    ],
)
def test_what_a_trial_would_not_do_is_refused(mine: Mine, lines: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        mine(lines)


def test_a_whole_section_cannot_hide_a_dimension() -> None:
    with pytest.raises(ConfigError, match=r"^training: is a section; set its fields one by one"):
        compose_sweep("demo", ["training={epochs: 9}"])


def test_a_study_s_name_cannot_lead_out_of_its_folder() -> None:
    with pytest.raises(ConfigError, match=r"^sweep\.study: '\.\./up' given; must name a folder"):
        compose_sweep("demo", ["sweep.study=../up"])


@pytest.mark.parametrize("name", ["loss", "brier", "calibration_error"])
def test_what_is_lost_is_minimised(mine: Mine, name: str) -> None:
    assert mine(f"metric: validation/{name}").direction == "minimize"
    assert mine(f"metric: validation/{name}\ndirection: minimize").direction == "minimize"


@pytest.mark.parametrize(
    "name", ["accuracy", "f1", "precision", "recall", "mcc", "roc_auc", "average_precision"]
)
def test_what_is_won_is_maximised_whether_or_not_the_file_says_so(mine: Mine, name: str) -> None:
    assert mine(f"metric: validation/{name}").direction == "maximize"
    assert mine(f"metric: validation/{name}\ndirection: maximize").direction == "maximize"


def test_the_files_direction_is_that_of_the_files_metric(mine: Mine) -> None:
    assert mine("direction: minimize", "sweep.metric=validation/f1").direction == "maximize"


@pytest.mark.parametrize(
    ("lines", "overrides"),
    [
        ("metric: validation/f1\ndirection: minimize", []),
        ("metric: validation/f1", ["sweep.direction=minimize"]),
        ("", ["sweep.metric=validation/f1", "sweep.direction=minimize"]),
    ],
)
def test_a_direction_that_contradicts_its_metric_is_refused(
    mine: Mine, lines: str, overrides: list[str]
) -> None:
    message = r"^sweep\.direction: 'minimize' given, but validation/f1 is maximized; leave sweep\.d"
    with pytest.raises(ConfigError, match=message):
        mine(lines, *overrides)


def test_the_demo_by_another_metric_follows_it() -> None:
    assert compose_sweep("demo", ["sweep.metric=validation/accuracy"]).direction == "maximize"


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("validation/bleu", r"'validation/bleu' is not measured; .*known: validation/accuracy, "),
        ("validation/acuracy", r"did you mean 'validation/accuracy'\?"),
        ("accuracy", r"^sweep\.metric: 'accuracy' is not measured; did you mean 'validation/accur"),
        (
            "test/loss",
            r"'test/loss' given; only the winner uses the test split; use 'validation/l",
        ),
        ("train/loss", r"'train/loss' is not measured; .*known: validation/accuracy"),
    ],
)
def test_a_metric_that_is_not_measured_is_refused(mine: Mine, metric: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        mine(f"metric: {metric}")


@pytest.mark.parametrize("lines", ["", "params: {dataset.label_columns: [a, b]}"])
def test_metrics_of_several_labels_are_known_whatever_the_data_are(mine: Mine, lines: str) -> None:
    plan = mine(f"metric: validation/hamming_loss\n{lines}")
    assert plan.direction == "minimize"


@pytest.mark.parametrize(
    ("metric", "multi_label", "refused"),
    [
        ("validation/f1_micro", True, False),
        ("validation/f1_micro", False, True),
        ("validation/hamming_loss", False, True),
        ("validation/f1", True, False),
        ("validation/f1", False, False),
    ],
)
def test_what_was_read_decides_whether_a_metric_of_several_labels_is_measured(
    mine: Mine, metric: str, multi_label: bool, refused: bool
) -> None:
    plan = mine(f"metric: {metric}")
    found = data_problems(plan.settings, multi_label=multi_label, n_truths=2)
    assert [problem.path for problem in found] == ["sweep.metric"] * refused


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "name",
            "team/tweets",
            r"^sweep\.register\.name: 'team/tweets' given; must not contain /; for example ",
        ),
        ("name", "a:b", r"must not contain :; for example 'a-b'"),
        ("name", "what?", r"must not contain \?; for example 'what-'"),
        ("name", "' '", r"' ' given; must not be empty"),
        ("name", "..", r"'\.\.' given; must not start with a dot"),
        (
            "alias",
            "latest",
            r"^sweep\.register\.alias: 'latest' given; MLflow reserves `latest` and v1",
        ),
        ("alias", "V12", r"'V12' given; MLflow reserves `latest` and v1, v2"),
        ("alias", "champion", r"'champion' given; only `finesweep promote` sets it"),
        ("alias", "Champion", r"only `finesweep promote` sets it"),
        ("alias", "a b", r"'a b' given; must be letters, digits, '_' and '-'"),
        ("alias", "''", r"'' given; must be letters"),
    ],
)
def test_a_name_that_the_registry_would_refuse_is_refused_at_once(
    field: str, value: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        compose_sweep("demo", [f"sweep.register.{field}={value}"])


@pytest.mark.parametrize("name", ["bob's tweets", "tweets.v2", "Größe", "tweets-sentiment", "v1"])
def test_other_names_are_taken(name: str) -> None:
    register = compose_sweep("demo", [f'sweep.register.name="{name}"']).settings.register
    assert register is not None
    assert register.name == name


LOCAL = ["dataset=local", "dataset.path=mine.csv"]


@pytest.mark.parametrize(
    "overrides",
    [
        LOCAL,
        ["dataset=imdb"],
        ["dataset.path=other.csv"],
        [*LOCAL, "dataset.text_column=review", "sweep.n_trials=2"],
    ],
)
def test_other_data_do_not_take_the_name_of_the_files_model(overrides: list[str]) -> None:
    (problem,) = borrowed_name(compose_sweep("demo", overrides))
    assert problem.path == "sweep.register.name"
    assert "'tweets-sentiment' is the model that sweep demo registers for tweets" in problem.message
    assert "add sweep.register.name=NAME, or sweep.register=null" in problem.message


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["training.epochs=1"],
        ["dataset.train_size=100"],
        ["dataset=tweets"],
        [*LOCAL, "sweep.register.name=mine"],
        [*LOCAL, "sweep.register={name: mine}"],
        [*LOCAL, "sweep.register=null"],
    ],
)
def test_the_same_data_or_a_name_of_ones_own_pass(overrides: list[str]) -> None:
    assert borrowed_name(compose_sweep("demo", overrides)) == []


def test_a_file_without_data_of_its_own_lends_its_name(mine: Mine) -> None:
    plan = mine("params: {dataset: local}\nregister: {name: m}", "dataset.path=mine.csv")
    assert borrowed_name(plan) == []


def test_a_file_that_lacks_what_the_command_line_gives_keeps_its_name(mine: Mine) -> None:
    lines = "params: {dataset: tweets}\nregister: {name: m}"
    given = ["sweep.n_trials=4", "dataset=tweets"]
    assert borrowed_name(mine(lines, *given, n_trials="null")) == []
    (problem,) = borrowed_name(mine(lines, "sweep.n_trials=4", *LOCAL, n_trials="null"))
    assert problem.path == "sweep.register.name"


def test_combining_seeds_needs_two_of_them(mine: Mine) -> None:
    message = (
        r"^sweep\.confirm\.seeds: 1 given; sweep\.confirm\.soup and ensemble combine seeds, so it"
        r" must be at least 2$"
    )
    with pytest.raises(ConfigError, match=message):
        mine("confirm: {seeds: 1, soup: true, ensemble: true}")
    with pytest.raises(
        ConfigError, match=r"^sweep\.confirm\.seeds: 0 given; sweep\.confirm\.soup c"
    ):
        mine("confirm: {soup: true}")
    plan = mine("confirm: {seeds: 2, soup: true}")
    assert plan.confirm is not None
    assert plan.confirm.combines


def test_an_address_without_a_host_is_told_without_itself(mine: Mine) -> None:
    with pytest.raises(ConfigError) as caught:
        mine("on_end: [notify.sh, 'https://:80/secret']")
    assert str(caught.value).startswith("sweep.on_end.1: is an address without a valid host")
    assert "secret" not in str(caught.value)


def test_what_is_told_at_the_end_is_not_recorded(
    mine: Mine, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = "sweep.on_end=['https://example.org/?token=secret']"
    plan = mine("", typed, "training.epochs=2")
    assert plan.settings.on_end == ["https://example.org/?token=secret"]
    assert typed_overrides(plan) == ["training.epochs=2"]
    assert "secret" not in " ".join([*worker_overrides(plan), *plan.overrides])
    monkeypatch.delenv("HOOK", raising=False)
    assert mine("on_end: ['${oc.env:HOOK,\"\"}']").settings.on_end == [""]
    monkeypatch.setenv("HOOK", "https://example.org/hook")
    assert mine("on_end: ['${oc.env:HOOK,\"\"}']").settings.on_end == ["https://example.org/hook"]
