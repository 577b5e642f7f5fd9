"""A set of group choices that was composed before is composed as the first time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_store import ConfigStore

from finesweep.config import compose
from finesweep.errors import ConfigError

OVERRIDES: Sequence[Sequence[str]] = [
    (),
    ("model=minilm",),
    ("model=minilm", "training.learning_rate=1e-6"),
    ("registry.minimum={test/f1: 0.5}", "model=minilm"),
    ("dataset=local", "dataset.path=a.csv", "dataset.label_map={'0': no}", "dataset.max_length=9"),
    ("dataset=local", "dataset.path=b.csv"),
    ("~launcher", "+launcher=ray"),
    ("experiment=mine",),
    ("experiment=mine", "training.weight_decay=0.2"),
    ("+sweeps@sweep=demo", "sweep.n_trials=3"),
    ("+sweeps@sweep=demo", "sweep.params={}"),
]


@pytest.fixture
def experiment(workplace: Path) -> Path:
    """A file of the user's that chooses, and sets a field."""
    path = workplace / "conf" / "experiment" / "mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(
        "# @package _global_\ndefaults: [{override /model: minilm}]\ntraining: {epochs: 7}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The files that Hydra loads from now on."""
    loaded: list[str] = []
    load = ConfigLoaderImpl._load_single_config

    def count(self: ConfigLoaderImpl, default: object, repo: object) -> object:
        loaded.append(str(default.config_path))
        return load(self, default, repo)  # type: ignore[arg-type]

    monkeypatch.setattr(ConfigLoaderImpl, "_load_single_config", count)
    return loaded


@pytest.mark.slow
def test_whatever_was_composed_in_between(experiment: Path) -> None:
    first = {}
    for overrides in OVERRIDES:
        experiment.touch()  # so that nothing of before counts
        first[overrides] = compose(overrides)
    for overrides in [*reversed(OVERRIDES), *OVERRIDES]:
        assert compose(overrides) == first[overrides]


def test_fields_alone_load_no_file_again(experiment: Path, counted: list[str]) -> None:
    compose(["experiment=mine"])
    assert "experiment/mine" in counted
    counted.clear()
    assert compose(["experiment=mine", "training.learning_rate=1e-6"]).config.training.epochs == 7
    assert counted == []


def test_a_changed_file_is_seen(experiment: Path) -> None:
    assert compose(["experiment=mine"]).config.training.epochs == 7
    experiment.write_text("# @package _global_\ntraining: {epochs: 8}\n", encoding="utf-8")
    assert compose(["experiment=mine"]).config.training.epochs == 8
    experiment.unlink()
    with pytest.raises(ConfigError, match="mine"):
        compose(["experiment=mine"])


def test_a_new_file_is_seen(experiment: Path) -> None:
    with pytest.raises(ConfigError, match="other"):
        compose(["experiment=other"])
    experiment.rename(experiment.with_name("other.yaml"))
    assert compose(["experiment=other"]).config.training.epochs == 7


def test_another_folder_has_its_own(
    experiment: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compose(["experiment=mine"]).config.training.epochs == 7
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(ConfigError, match="mine"):
        compose(["experiment=mine"])


def test_a_node_stored_again_is_seen(workplace: Path) -> None:
    store = ConfigStore.instance()
    try:
        for epochs in (3, 4):
            node = {"training": {"epochs": epochs}}
            store.store("kept", node, group="experiment", package="_global_")
            assert compose(["experiment=kept"]).config.training.epochs == epochs
    finally:
        del store.repo["experiment"]
