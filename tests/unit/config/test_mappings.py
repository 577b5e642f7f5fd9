"""Mappings on the command line and in sweep files: every one that the schema has."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from finesweep.config import compose, compose_sweep
from finesweep.config.field_paths import leaf, mapping_defaults, mapping_of, mappings, section_class
from finesweep.config.overrides.grammar import as_override, parse_override
from finesweep.config.overrides.mapping_texts import mapping_of_text, text_of_mapping
from finesweep.config.schema import Config
from finesweep.config.search_path import packaged_root
from finesweep.errors import ConfigError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workplace")]

SWEEP = "+sweeps@sweep=demo"
PUBLISHED = "published={source: a, dataset: b, model: c}"
ITEMS: dict[Any, tuple[str, Any]] = {
    float: ("0.5", 0.5),
    list[float]: ("[0.5, 1]", [0.5, 1.0]),
    dict[str, Any]: ("{training.epochs: 2}", {"training.epochs": 2}),
    Any: ("x", "x"),
}
"""Type of a mapping's values → one as it is typed, and as it is read."""


def item_of(path: str) -> tuple[str, Any]:
    section, _, name = path.rpartition(".")
    hint = get_type_hints(section_class(section) or Config)[name]
    mapping = next((part for part in get_args(hint) if get_origin(part) is dict), hint)
    return ITEMS[get_args(mapping if get_origin(hint) is not dict else hint)[1]]


def composed(path: str, *overrides: str) -> Any:
    """The value at path of a sweep under these overrides."""
    value: Any = asdict(compose([SWEEP, PUBLISHED, *overrides]).config)
    for name in path.split("."):
        value = value[name]
    return value


def without_defaults(value: dict[Any, Any]) -> dict[Any, Any]:
    return {key: item for key, item in value.items() if key != "_target_"}


def test_the_schema_has_mappings() -> None:
    assert {"dataset.label_map", "registry.minimum", "sweep.sampler", "published.metrics"} <= set(
        mappings()
    )
    assert all(dict in leaf(path).kinds for path in mappings())  # type: ignore[union-attr]


KEYS_OF = {"registry.minimum": ["test/f1", "test/accuracy", "test/recall"]}
"""Where keys must be some that exist."""


@pytest.mark.parametrize("path", mappings())
def test_a_mapping_given_replaces_the_one_there_was(path: str) -> None:
    (text, item), (a, b, c) = item_of(path), KEYS_OF.get(path, "abc")
    first, second = f"{path}={{{a}: {text}, {b}: {text}}}", f"{path}={{{c}: {text}}}"
    assert without_defaults(composed(path, first)) == {a: item, b: item}
    assert without_defaults(composed(path, first, second)) == {c: item}
    assert without_defaults(composed(path, first, f"{path}={{}}")) == {}
    assert without_defaults(composed(path, first, f"~{path}")) == {}


@pytest.mark.parametrize("path", mappings())
def test_plus_signs_add_to_a_mapping_and_a_path_sets_one_key(path: str) -> None:
    (text, item), (a, b, _) = item_of(path), KEYS_OF.get(path, "abc")
    first = f"{path}={{{a}: {text}}}"
    ways = [f"+{path}={{{b}: {text}}}", f"++{path}={{{b}: {text}}}"]
    for more in ways if "/" in b else [*ways, f"{path}.{b}={text}", f"+{path}.{b}={text}"]:
        assert without_defaults(composed(path, first, more)) == {a: item, b: item}
    if "/" not in a:  # which has no place in Hydra's paths
        assert without_defaults(composed(path, first, ways[0], f"~{path}.{a}")) == {b: item}
    with pytest.raises(ConfigError, match=rf"^{path}\.z: no such key; known: .*{a}"):
        composed(path, first, f"~{path}.z")


@pytest.mark.parametrize("path", mappings())
@pytest.mark.parametrize("value", ["3", "word", "[1]"])
def test_what_is_no_mapping_is_refused_in_words(path: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{path}: .* given; must be a mapping: {{key: value"):
        composed(path, f"{path}={value}")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{1: bad, 5: good}", {1: "bad", 5: "good"}),
        ("{true: a, no: b, null: c}", {True: "a", "no": "b", "null": "c"}),
        ("{1.5: a, -1: b, 007: c}", {1.5: "a", -1: "b", "007": "c"}),
        ("{1: bad, 3: null}", {1: "bad", 3: None}),
        ("{C++: cpp, C#: cs}", {"C++": "cpp", "C#": "cs"}),
        ('{"C++": cpp, "1.10": b}', {"C++": "cpp", "1.10": "b"}),
        ("{'a: b': x, \"it's\": 'y, z'}", {"a: b": "x", "it's": "y, z"}),
        ("{jó: good, 悪い: bad}", {"jó": "good", "悪い": "bad"}),
        ("{two words: x, yes: 'y'}", {"two words": "x", "yes": "y"}),
    ],
)
def test_labels_of_any_type_and_sign_are_keys(text: str, read: dict[Any, Any]) -> None:
    mapping = compose([f"dataset.label_map={text}"]).config.dataset.label_map
    assert mapping == read
    assert list(map(type, mapping)) == list(map(type, read))


KEYS = st.one_of(st.text(max_size=12), st.integers(), st.booleans())
VALUES = st.one_of(st.none(), st.text(max_size=12))


@given(st.dictionaries(KEYS, VALUES, max_size=4))
@example({"1e5": "0E0"})
@settings(max_examples=100, deadline=None)
def test_any_mapping_is_spelt_as_an_override_that_reads_back(mapping: dict[Any, Any]) -> None:
    assert mapping_of_text(text_of_mapping(mapping)) == mapping
    override = parse_override(as_override("dataset.label_map", mapping))
    assert mapping_of_text(str(override.value())) == mapping


def test_a_mapping_inside_a_section_replaces_too_and_other_fields_stay() -> None:
    config = compose(
        ["dataset.label_map={1: a}", "dataset={label_map: {2: b}, path: x.csv}"]
    ).config.dataset
    assert config.label_map == {2: "b"}
    assert (config.path, config.name) == ("x.csv", "tweets")
    with pytest.raises(
        ConfigError, match=r"^dataset\.label_mop: no such field; did you mean 'data"
    ):
        compose(["dataset={label_mop: {2: b}}"])


def test_values_keep_the_types_that_the_schema_asks_for() -> None:
    with pytest.raises(
        ConfigError, match=r"^registry\.minimum\.test/f1: 'high' given; must be a n"
    ):
        compose(["registry.minimum={test/f1: high}"])


def test_a_dot_leads_into_the_description_of_an_object() -> None:
    sampler = composed("sweep.sampler", "sweep.sampler.independent_sampler.seed=3")
    assert sampler["independent_sampler"] == {"seed": 3}
    assert sampler["seed"] == 42
    params = composed("sweep.params", "sweep.params.training.epochs=3")
    assert params["training.epochs"] == 3


def test_a_sampler_given_on_the_command_line_replaces_the_files() -> None:
    plan = compose_sweep("demo", ["sweep.sampler={_target_: optuna.samplers.RandomSampler}"])
    assert plan.settings.sampler == {"_target_": "optuna.samplers.RandomSampler"}
    plan = compose_sweep("demo", ["sweep.pruner={n_startup_trials: 2}"])
    assert plan.settings.pruner == {
        "_target_": "optuna.pruners.MedianPruner",
        "n_startup_trials": 2,
    }


def test_a_sampler_in_a_file_is_not_mixed_with_the_default(workplace: Path) -> None:
    written(workplace, "sampler: {_target_: optuna.samplers.RandomSampler}")
    plan = compose_sweep("mine", [])
    assert plan.settings.sampler == {"_target_": "optuna.samplers.RandomSampler"}


def test_a_sweep_file_that_names_no_sampler_has_the_schemas(workplace: Path) -> None:
    written(workplace, "params: {training.epochs: 2}")
    described = {"_target_": "finesweep.samplers.TransferSampler"}
    pruner = {
        "_target_": "finesweep.sweep.study.pruner.SharePruner",
        "percentile": 50.0,
        "n_startup_trials": 4,
        "n_warmup_percent": 25,
    }
    settings = compose_sweep("mine", []).settings
    assert (settings.sampler, settings.pruner) == ({**described, "seed": 42}, pruner)
    shown = yaml.safe_load(compose_sweep("mine", []).base.yaml())["sweep"]
    assert (shown["sampler"], shown["pruner"]) == (settings.sampler, pruner)
    seeded = compose_sweep("mine", ["sweep.sampler.seed=7"]).settings.sampler
    assert seeded == {**described, "seed": 7}
    assert compose_sweep("mine", ["sweep.pruner=null"]).settings.pruner is None


@pytest.mark.parametrize("lines", ["pruner: null", "pruner:"])
def test_a_pruner_that_is_null_in_a_file_is_none(workplace: Path, lines: str) -> None:
    written(workplace, lines)
    assert compose_sweep("mine", []).settings.pruner is None


def test_only_what_differs_from_the_defaults_stands_in_the_sweep_files() -> None:
    folder = packaged_root() / "sweeps"
    defaults = mapping_defaults()
    for file in folder.glob("*.yaml"):
        own = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert own.get("sampler") != defaults["sweep.sampler"], file.name
        assert own.get("pruner") != defaults["sweep.pruner"], file.name


def written(workplace: Path, lines: str) -> None:
    (workplace / "sweeps").mkdir()
    text = f"# @package sweep\nn_trials: 3\n{lines}\n"
    (workplace / "sweeps" / "mine.yaml").write_text(text, encoding="utf-8")


def test_a_sweep_file_holds_a_mapping_for_all_trials(workplace: Path) -> None:
    written(workplace, 'params:\n  dataset.label_map: {1: bad, "it\'s: so": good, 3: null}')
    read = {1: "bad", "it's: so": "good", 3: None}
    plan = compose_sweep("mine", [])
    assert plan.base.config.dataset.label_map == read
    assert plan.compose_trial({"training.epochs": 2}).config.dataset.label_map == read
    replaced = compose_sweep("mine", ["dataset.label_map={2: c}"])
    assert replaced.compose_trial({}).config.dataset.label_map == {2: "c"}
    added = compose_sweep("mine", ["+dataset.label_map={2: c}", "dataset.label_map.3=d"])
    assert added.base.config.dataset.label_map == {**read, 2: "c", 3: "d"}


def test_a_space_is_given_on_the_command_line(workplace: Path) -> None:
    written(workplace, "params: {training.epochs: 2}")
    space = "sweep.params={training.epochs: range(1, 4), model: choice(bert, minilm)}"
    plan = compose_sweep("mine", [space, 'sweep.when={"model=bert": {training.batch_size: 8}}'])
    assert {item.path for item in plan.searched} == {"training.epochs", "model"}
    assert [item.condition for item in plan.conditional] == ["model=bert"]


def test_a_section_that_is_null_is_opened_by_a_field_of_it() -> None:
    for opening in ("sweep.register={name: m}", "sweep.register.name=m"):
        register = compose_sweep("demo", ["sweep.register=null", opening]).settings.register
        assert register is not None
        assert (register.name, register.alias) == ("m", "challenger")
    confirm = compose_sweep("demo", ["sweep.confirm=null", "sweep.confirm.seeds=2"]).confirm
    assert confirm is not None
    assert (confirm.top_k, confirm.seeds) == (3, 2)


@pytest.mark.parametrize("given", [["sweep.confirm=null"], ["sweep.confirm.seeds=0"]])
def test_null_confirms_nothing_on_the_command_line(given: list[str]) -> None:
    assert compose_sweep("demo", given).confirm is None


@pytest.mark.parametrize("lines", ["confirm: null", "confirm:", "register: null"])
def test_null_in_a_file_confirms_and_registers_nothing(workplace: Path, lines: str) -> None:
    written(workplace, lines)
    plan = compose_sweep("mine", [])
    assert (plan.confirm, plan.settings.register) == (None, None)


@pytest.mark.parametrize("path", ["", "training", "training.epochs", "sweep"])
def test_what_is_no_mapping_has_none(path: str) -> None:
    assert mapping_of(path) is None
