"""Weights stand in their folder only when complete, and only while their trial may still win."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path

import optuna
import pytest
import torch
from optuna import Study
from optuna.trial import TrialState, create_trial
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from finesweep.errors import ConfigError
from finesweep.model import load_trained
from finesweep.records import Direction, Objective
from finesweep.sweep.attributes import CHECKPOINT
from finesweep.sweep.checkpoints import (
    checkpoint_folder,
    keep_best,
    require_space,
    save_checkpoint,
)

FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
Classifier = tuple[PreTrainedModel, PreTrainedTokenizerBase]


@pytest.fixture(scope="module")
def classifier(tiny_bert: Path) -> Classifier:
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert)
    return model, AutoTokenizer.from_pretrained(tiny_bert)


def study_with(values: list[float], root: Path, direction: Direction = "minimize") -> Study:
    """A study named s with one complete trial per value, each with a folder of weights."""
    study = optuna.create_study(study_name="s", direction=direction)
    for slot, value in enumerate(values):
        folder = made_folder(root, slot)
        study.add_trial(create_trial(value=value, user_attrs={CHECKPOINT: str(folder)}))
    return study


def made_folder(root: Path, slot: int, attempt: int = 1) -> Path:
    folder = checkpoint_folder(str(root), "s", slot=slot, attempt=attempt)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def slots_left(root: Path) -> list[int]:
    return sorted(int(folder.name.removeprefix("slot-")) for folder in (root / "s").iterdir())


def test_every_attempt_has_a_folder_of_its_own() -> None:
    folder = checkpoint_folder("root", "imdb", slot=7, attempt=2)
    assert folder == Path("root/imdb/slot-0007/attempt-2")


def test_saved_weights_load_back_and_nothing_else_is_left(
    tmp_path: Path, classifier: Classifier
) -> None:
    model, tokenizer = classifier
    folder = checkpoint_folder(str(tmp_path), "s", slot=0, attempt=1)
    save_checkpoint(folder, model, tokenizer)
    assert [path.name for path in folder.parent.iterdir()] == ["attempt-1"]
    assert {path.name for path in folder.iterdir()} == FILES
    again, tokenizer_again = load_trained(folder)
    for name, weights in model.state_dict().items():
        assert torch.equal(weights, again.state_dict()[name]), name
    assert tokenizer_again("a lovely day")["input_ids"] == tokenizer("a lovely day")["input_ids"]


def test_saving_again_replaces_what_was_there(tmp_path: Path, classifier: Classifier) -> None:
    folder, torn = tmp_path / "attempt-1", tmp_path / "attempt-1.part"
    for stale in (folder, torn):
        stale.mkdir()
        (stale / "stale.bin").write_bytes(b"of an earlier attempt")
    save_checkpoint(folder, *classifier)
    assert {path.name for path in folder.iterdir()} == FILES
    assert not torn.exists()


def test_an_interrupted_save_leaves_no_folder_that_looks_complete(
    tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path / "attempt-1", *classifier)
    assert [path.name for path in tmp_path.iterdir()] == ["attempt-1.part"]


@pytest.mark.parametrize(("direction", "left"), [("minimize", [1, 3]), ("maximize", [0, 4])])
def test_the_k_best_keep_their_weights(
    tmp_path: Path, direction: Direction, left: list[int]
) -> None:
    study = study_with([0.9, 0.1, 0.5, 0.3, 0.7], tmp_path, direction)
    keep_best(study, Objective("validation/f1", direction), root=str(tmp_path), k=2)
    assert slots_left(tmp_path) == left


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_of_equal_trials_the_earlier_keeps_its_weights_and_is_optunas_best(
    tmp_path: Path, direction: Direction
) -> None:
    study = study_with([0.5, 0.5, 0.5], tmp_path, direction)
    keep_best(study, Objective("validation/f1", direction), root=str(tmp_path), k=2)
    assert slots_left(tmp_path) == [0, 1]
    assert study.best_trial.number == 0


def test_weights_of_unfinished_and_earlier_attempts_are_dropped(tmp_path: Path) -> None:
    study = study_with([0.5], tmp_path)
    made_folder(tmp_path, 0, attempt=2)
    pruned = made_folder(tmp_path, 1)
    study.add_trial(
        create_trial(state=TrialState.PRUNED, value=0.1, user_attrs={CHECKPOINT: str(pruned)})
    )
    keep_best(study, Objective(), root=str(tmp_path), k=3)
    assert slots_left(tmp_path) == [0]
    assert [path.name for path in (tmp_path / "s" / "slot-0000").iterdir()] == ["attempt-1"]


def test_weights_of_other_studies_are_left_alone(tmp_path: Path) -> None:
    other = checkpoint_folder(str(tmp_path), "other", slot=0, attempt=1)
    other.mkdir(parents=True)
    keep_best(study_with([0.5, 0.1], tmp_path), Objective(), root=str(tmp_path), k=1)
    assert slots_left(tmp_path) == [1]
    assert other.is_dir()


def test_the_same_folder_spelt_otherwise_keeps_its_weights(workplace: Path) -> None:
    study = study_with([0.5, 0.1], Path("weights"))
    keep_best(study, Objective(), root=str(workplace / "weights"), k=1)
    assert slots_left(workplace / "weights") == [1]


def test_a_disk_with_room_is_taken_and_its_folder_made(tmp_path: Path) -> None:
    require_space(str(tmp_path / "new" / "weights"), least_bytes=1)
    assert (tmp_path / "new" / "weights").is_dir()


def test_a_disk_that_is_too_full_is_refused_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(2**40, 0, 100 * 1024**2))
    expected = rf"^storage\.checkpoints: no disk space: 100 MiB free at {tmp_path}, 512 needed$"
    with pytest.raises(ConfigError, match=expected):
        require_space(str(tmp_path))


def test_more_than_any_disk_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no disk space: .* MiB free at .*, 1,099,511,627,776 n"):
        require_space(str(tmp_path), least_bytes=2**60)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("in the way")
    root = tmp_path / "file" / below
    with pytest.raises(ConfigError, match=rf"^storage\.checkpoints: {root}: (File exists|Not a d)"):
        require_space(str(root))


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)  # root may write anywhere
    message = rf"^storage\.checkpoints: {tmp_path}: cannot be written$"
    with pytest.raises(ConfigError, match=message):
        require_space(str(tmp_path))
