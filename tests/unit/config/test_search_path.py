"""Two folders of conf/ and sweeps/ as one tree of config groups."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.object_type import ObjectType
from omegaconf import OmegaConf

from finesweep.config import compose, preserved_files, search_path, use_files, user_files
from finesweep.config.search_path import USER, ProjectSource, packaged_root


@pytest.fixture
def user(tmp_path: Path) -> ProjectSource:
    for path in (
        "conf/config.yaml",
        "conf/model/mine.yaml",
        "sweeps/mine.yaml",
        "sweeps/notes.txt",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("# @package sweep\nn_trials: 1\n", encoding="utf-8")
    return ProjectSource(USER, f"finesweep://{tmp_path}")


def test_the_packaged_root_holds_conf_and_sweeps() -> None:
    assert (packaged_root() / "conf" / "config.yaml").is_file()
    assert (packaged_root() / "sweeps" / "demo.yaml").is_file()


def test_a_users_folder_has_choices_but_no_config(user: ProjectSource) -> None:
    assert user.is_config("model/mine")
    assert user.is_config("sweeps/mine")
    assert not user.is_config("config")
    assert not user.is_config("model/other")
    assert (user.is_group("model"), user.is_group("sweeps"), user.is_group("mine")) == (
        True,
        True,
        False,
    )


def test_choices_are_listed_without_other_files(user: ProjectSource) -> None:
    assert user.list("sweeps", ObjectType.CONFIG) == ["mine"]
    assert user.list("model", ObjectType.CONFIG) == ["mine"]
    assert user.list("", ObjectType.GROUP) == ["model"]
    assert user.list("absent", None) == []


def test_a_choice_is_read_with_its_package(user: ProjectSource) -> None:
    loaded = user.load_config("sweeps/mine")
    assert loaded.config == {"n_trials": 1}
    assert loaded.header == {"package": "sweep"}
    assert loaded.provider == USER


def test_a_folder_with_neither_is_not_available(user: ProjectSource, tmp_path: Path) -> None:
    assert user.available()
    (tmp_path / "empty").mkdir()
    assert not ProjectSource(USER, f"finesweep://{tmp_path / 'empty'}").available()
    (tmp_path / "empty" / "sweeps").mkdir()
    assert ProjectSource(USER, f"finesweep://{tmp_path / 'empty'}").available()


def test_a_file_is_read_anew_and_what_was_read_before_is_nobodys_to_change(
    user: ProjectSource, tmp_path: Path
) -> None:
    first = user.load_config("sweeps/mine").config
    first.n_trials = 9
    assert user.load_config("sweeps/mine").config == {"n_trials": 1}
    (tmp_path / "sweeps" / "mine.yaml").write_text("n_trials: ${other}\n", encoding="utf-8")
    read = OmegaConf.to_container(user.load_config("sweeps/mine").config)
    assert read == {"n_trials": "${other}"}


def test_files_that_are_used_already_stay_where_they_are() -> None:
    files = {"sweeps/mine.yaml": "n_trials: 1\n", "conf/model/own.yaml": "distil: true\n"}
    places = []
    with preserved_files():
        for given in (files, dict(reversed(files.items())), files | {"sweeps/mine.yaml": "{}"}, {}):
            use_files(given)
            assert user_files() == given
            places.append(search_path.project_folders("sweeps")[0])
    assert places[0] == places[1]
    assert len(set(places)) == 3


def test_a_default_may_follow_another_choice(workplace: Path) -> None:
    files = {
        "rates/slow.yaml": "# @package training\nlearning_rate: 1e-6",
        "decays/slow.yaml": "# @package training\nweight_decay: 0.07",
        "experiment/mine.yaml": (
            "# @package _global_\ndefaults:\n  - /rates: slow\n  - /decays: ${rates}"
        ),
    }
    for name, text in files.items():
        (workplace / "conf" / name).parent.mkdir(parents=True)
        (workplace / "conf" / name).write_text(f"{text}\n", encoding="utf-8")
    training = compose(["experiment=mine"]).config.training
    assert (training.learning_rate, training.weight_decay) == (1e-6, 0.07)
