"""A checkpoint stands in its folder whole or not at all, and only while its slot may need it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import torch
from optuna import Study
from optuna.trial import TrialState, create_trial
from safetensors.torch import save_file
from tests.disks import small_disk_at

from finesweep.disk import MANIFEST, Write, commit, is_committed
from finesweep.records import Direction
from finesweep.sweep.study.keys import CHECKPOINT
from finesweep.sweep.study.ranking import direction_of, ranked
from finesweep.sweep.study.weights import delete_checkpoints, keep_weights, slot_folder
from finesweep.sweep.worker.checkpoints import SlotCheckpoints, newest_whole

FILES = ("state.bin", "rng/numpy.bin", MANIFEST)


def write(folder: Path) -> None:
    (folder / "rng").mkdir()
    (folder / "state.bin").write_bytes(b"weights")
    (folder / "rng" / "numpy.bin").write_bytes(b"random")


def checkpoints_of(
    slot: Path, attempt: int = 1, *, period_seconds: float = 3600, interrupted: bool = False
) -> SlotCheckpoints:
    return SlotCheckpoints(
        slot,
        attempt,
        period_seconds=period_seconds,
        is_interrupted=lambda: interrupted,
        on_commit=lambda step: None,
        on_wait=lambda why: pytest.fail(why),
    )


def names(slot: Path) -> list[str]:
    return sorted(str(path.relative_to(slot)) for path in slot.glob("attempt-*/*"))


def study_with(values: list[float], root: Path, direction: Direction = "minimize") -> Study:
    """A study named s with one complete trial per value, each with a folder of weights."""
    study = optuna.create_study(study_name="s", direction=direction)
    for slot, value in enumerate(values):
        folder = slot_folder(str(root), "s", slot) / "attempt-1" / "model"
        commit(folder, write)
        study.add_trial(create_trial(value=value, user_attrs={CHECKPOINT: str(folder)}))
    return study


def keep_best(study: Study, top_k: int, root: Path) -> None:
    trials = study.get_trials(deepcopy=False)
    best = ranked(trials, direction_of(study))[:top_k]
    keep_weights("s", trials, best, root=str(root))


def slots_left(root: Path) -> list[int]:
    return sorted(int(folder.name.removeprefix("slot-")) for folder in (root / "s").iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    with small_disk_at(tmp_path / "disk", "1m") as folder:
        yield folder


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["truncated", "changed", "deleted", "emptied"])
def test_a_damaged_file_is_found_and_the_older_checkpoint_used(
    tmp_path: Path, file: str, damage: str
) -> None:
    checkpoints = checkpoints_of(tmp_path)
    checkpoints.commit(write, step=9)
    checkpoints.commit(write, step=10)
    older, newer = (tmp_path / "attempt-1" / f"step-{step:08d}" for step in (9, 10))
    assert newest_whole(tmp_path) == newer
    data = (newer / file).read_bytes()
    if damage == "deleted":
        (newer / file).unlink()
    else:
        kept = {"truncated": data[:-1], "changed": b"?" + data[1:], "emptied": b""}[damage]
        (newer / file).write_bytes(kept)
    assert not is_committed(newer)
    assert newest_whole(tmp_path) == older


def test_the_step_that_went_furthest_is_the_newest_of_any_attempt(tmp_path: Path) -> None:
    assert newest_whole(tmp_path) is None
    for attempt, step in ((1, 20), (2, 5), (2, 20), (10, 3)):
        commit(tmp_path / f"attempt-{attempt}" / f"step-{step:08d}", write)
    for cut_short in ("step-00000099.part", ".step-00000098.1.new"):
        commit(tmp_path / "attempt-1" / cut_short, write)
    assert newest_whole(tmp_path) == tmp_path / "attempt-2" / "step-00000020"


def test_a_checkpoint_is_due_after_its_period(tmp_path: Path) -> None:
    assert not checkpoints_of(tmp_path, period_seconds=60).due()
    assert checkpoints_of(tmp_path, period_seconds=0).due()


def test_an_interrupted_worker_has_one_checkpoint_due(tmp_path: Path) -> None:
    checkpoints = checkpoints_of(tmp_path, interrupted=True)
    assert checkpoints.due()
    checkpoints.commit(write, step=1)
    assert not checkpoints.due()


def test_a_slot_keeps_its_two_newest_checkpoints(tmp_path: Path) -> None:
    for attempt, step in ((1, 1), (1, 2), (2, 3)):
        checkpoints_of(tmp_path, attempt).commit(write, step=step)
    assert names(tmp_path) == ["attempt-1/step-00000002", "attempt-2/step-00000003"]


def test_a_new_checkpoint_outlives_torn_ones_of_later_steps(tmp_path: Path) -> None:
    for step in (90, 100):
        checkpoints_of(tmp_path, 1).commit(write, step=step)
        (tmp_path / "attempt-1" / f"step-{step:08d}" / MANIFEST).write_text("{")
    checkpoints_of(tmp_path, 2).commit(write, step=10)
    assert newest_whole(tmp_path) == tmp_path / "attempt-2" / "step-00000010"


def test_a_finished_slot_keeps_only_its_model(tmp_path: Path) -> None:
    slot = tmp_path / "slot-0000"
    checkpoints_of(slot, 1).commit(write, step=1)
    checkpoints_of(slot, 2).commit(write, step=2)
    commit(slot / "attempt-2" / "model", write)
    delete_checkpoints(slot, but=slot / "attempt-2" / "model")
    assert names(slot) == ["attempt-2/model"]
    delete_checkpoints(slot)
    assert not slot.exists()


def write_bytes(folder: Path) -> None:
    (folder / "state.bin").write_bytes(b"x" * 600_000)


def write_tensors(folder: Path) -> None:
    save_file({"a": torch.zeros(150_000)}, folder / "state.safetensors")


@pytest.mark.parametrize("big", [write_bytes, write_tensors])
def test_a_full_disk_is_waited_for_and_then_the_checkpoint_committed(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, big: Write
) -> None:
    monkeypatch.setattr("finesweep.disk.PAUSE_SECONDS", 0.01)
    (small_disk / "filler").write_bytes(b"x" * 700_000)
    reasons: list[str] = []
    committed: list[int] = []

    def waiting(why: str) -> None:
        assert committed == []
        reasons.append(why)
        if len(reasons) == 2:
            (small_disk / "filler").unlink()

    checkpoints = checkpoints_of(small_disk / "slot-0000")
    checkpoints.on_wait, checkpoints.on_commit = waiting, committed.append
    checkpoints.commit(big, step=7)
    assert len(reasons) == 2
    assert all("No space left on device" in why for why in reasons)
    assert committed == [7]
    assert newest_whole(small_disk / "slot-0000") is not None


@pytest.mark.parametrize(("direction", "left"), [("minimize", [1, 3]), ("maximize", [0, 4])])
def test_the_k_best_keep_their_weights(
    tmp_path: Path, direction: Direction, left: list[int]
) -> None:
    study = study_with([0.9, 0.1, 0.5, 0.3, 0.7], tmp_path, direction)
    keep_best(study, 2, tmp_path)
    assert slots_left(tmp_path) == left


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_of_equal_trials_the_earlier_keeps_its_weights_and_is_optunas_best(
    tmp_path: Path, direction: Direction
) -> None:
    study = study_with([0.5, 0.5, 0.5], tmp_path, direction)
    keep_best(study, 2, tmp_path)
    assert slots_left(tmp_path) == [0, 1]
    assert study.best_trial.number == 0


def test_checkpoints_of_running_slots_and_other_studies_are_left_alone(tmp_path: Path) -> None:
    study = study_with([0.5, 0.1], tmp_path)
    study.add_trial(create_trial(state=TrialState.RUNNING))
    checkpoints_of(slot_folder(str(tmp_path), "s", 2)).commit(write, step=1)
    other = slot_folder(str(tmp_path), "other", 0)
    checkpoints_of(other).commit(write, step=1)
    keep_best(study, 1, tmp_path)
    assert slots_left(tmp_path) == [1, 2]
    assert newest_whole(other) is not None


def test_the_same_folder_spelt_otherwise_keeps_its_weights(workplace: Path) -> None:
    study = study_with([0.5, 0.1], Path("weights"))
    keep_best(study, 1, workplace / "weights")
    assert slots_left(workplace / "weights") == [1]
