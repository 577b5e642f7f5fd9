"""A run resumed from a checkpoint is bitwise equal to an uninterrupted one."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from finesweep.config import ModelConfig, TrainingConfig
from finesweep.errors import FinesweepError
from finesweep.model import add_adapters, freeze_layers, load_model
from finesweep.records import Evaluation, Objective, Tokens, TrainingResult
from finesweep.training import Checkpointing, fit, saved_evaluations
from finesweep.training.checkpoint.checkpoint_file import read_tree, write_tree
from finesweep.training.checkpoint.rng_state import get_rng_state, set_rng_state
from finesweep.training.trainer import ResumableTrainer

pytestmark = pytest.mark.slow  # real trainings

LOSS = Objective("validation/loss", "minimize")
ACCURACY = Objective("validation/accuracy", "maximize")
STEADY = {"learning_rate": 1e-12}  # too little to change what is predicted

TRAINING = {
    "epochs": 2,
    "batch_size": 10,  # ten steps an epoch, the last of 6 examples
    "learning_rate": 3e-2,  # so much that the fifth evaluation is the best
    "seed": 2,
    "evaluations_per_epoch": 3,  # after the steps 4, 7, 10, 14, 17 and 20
    "evaluation_batch_size": 10,  # three batches
    "precision": "fp32",  # on every machine, or another evaluation is the best
}
STEPS = [4, 7, 10, 14, 17, 20]


class Folders:
    """Checkpointing that commits when `at`, called with the number of calls so far, is true."""

    def __init__(self, root: Path, at: Callable[[int], bool] = lambda asked: True) -> None:
        self.root, self.at, self.n_asked = root, at, 0
        self.committed: list[tuple[int, Path]] = []
        self.write: Callable[[Path], None] = lambda folder: None

    def due(self) -> bool:
        self.n_asked += 1
        return self.at(self.n_asked)

    def commit(self, write: Callable[[Path], None], *, step: int) -> None:
        folder = self.root / f"{self.n_asked:03}-{step}"
        folder.mkdir(parents=True)
        write(folder)
        self.write = write
        self.committed.append((step, folder))

    @property
    def last(self) -> Path:
        return self.committed[-1][1]


def fingerprint(model: PreTrainedModel) -> str:
    digest = hashlib.sha256()
    for name, parameter in model.named_parameters():
        digest.update(name.encode() + parameter.detach().numpy().tobytes())
    return digest.hexdigest()


@dataclass
class Run:
    """One model, the calls during its training, and where it is interrupted."""

    tokens: Tokens
    model: PreTrainedModel
    settings: dict[str, Any]
    objective: Objective = LOSS
    stop_at_step: int | None = None
    stop_at_batch: int | None = None
    weights: dict[int, str] = field(default_factory=dict)
    """Fingerprint after each step, by examples seen."""
    evaluations: list[Evaluation] = field(default_factory=list)
    n_batches: int = 0
    result: TrainingResult | None = None

    def go(self, checkpoints: Checkpointing | None = None, resume: Path | None = None) -> Run:
        self.result = fit(
            self.model,
            self.tokens,
            TrainingConfig(**self.settings),
            objective=self.objective,
            on_evaluation=self.evaluations.append,
            on_step=self._stepped,
            on_batch=self._batch,
            checkpoints=checkpoints,
            resume=resume,
        )
        return self

    def interrupted(self, checkpoints: Checkpointing, resume: Path | None = None) -> Run:
        with pytest.raises(KeyboardInterrupt, match=r"^here$"):
            self.go(checkpoints, resume)
        assert self.result is None
        return self

    def _stepped(self, seen: int, total: int) -> None:
        self.weights[seen] = fingerprint(self.model)
        step = seen // 96 * 10 + -(-(seen % 96) // 10)
        if step == self.stop_at_step:
            raise KeyboardInterrupt("here")

    def _batch(self) -> None:
        self.n_batches += 1
        if self.n_batches == self.stop_at_batch:
            raise KeyboardInterrupt("here")


Begin = Callable[..., Run]


@pytest.fixture(scope="module")
def begin(tiny_bert: Path, tokens: Tokens) -> Begin:
    def begun(
        *,
        frozen: int = 0,
        dropout: bool = True,
        of_model: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Run:
        config = ModelConfig(name_or_path=str(tiny_bert), **(of_model or {}))
        model = load_model(config, label_names=("bad", "good", "plain"), seed=1)
        freeze_layers(model, frozen)
        if config.lora_rank is not None:
            add_adapters(model, config.lora_rank, seed=1, name="it")
        for module in model.modules():
            if isinstance(module, nn.Dropout) and not dropout:
                module.p = 0.0
        own = {name: fields.pop(name) for name in list(fields) if name in Run.__annotations__}
        return Run(tokens, model, TRAINING | fields, **own)

    return begun


def assert_same(run: Run, reference: Run, *, replayed: tuple[Evaluation, ...] = ()) -> None:
    """Bitwise equal evaluations, best, predictions and weights, after each step and at the end."""
    assert run.result is not None
    assert reference.result is not None
    assert run.result.evaluations == reference.result.evaluations
    assert (*replayed, *run.evaluations) == reference.result.evaluations
    assert run.result.best == reference.result.best
    assert run.result.stopped_early == reference.result.stopped_early
    for name, array in vars(reference.result.validation).items():
        np.testing.assert_array_equal(getattr(run.result.validation, name), array, strict=True)
    assert run.weights.items() <= reference.weights.items()
    assert fingerprint(run.model) == fingerprint(reference.model)


@pytest.fixture(scope="module")
def reference(begin: Begin) -> Run:
    """The plain settings, uninterrupted; the best evaluation is neither the first nor the last."""
    run = begin().go()
    assert run.result is not None
    assert run.result.best not in (run.result.evaluations[0], run.result.evaluations[-1])
    return run


def test_dropout_is_active(begin: Begin, reference: Run) -> None:
    assert begin(dropout=False).go().weights[20] != reference.weights[20]


@pytest.mark.parametrize("step", [1, 4, 5, 10, 11, 20])
def test_a_run_interrupted_after_a_step_goes_on(
    begin: Begin, reference: Run, tmp_path: Path, step: int
) -> None:
    n_batches = 3 * sum(made < step for made in STEPS)
    folders = Folders(tmp_path, at=lambda asked: asked == step + n_batches)
    former = begin(stop_at_step=step).interrupted(folders)
    assert folders.committed[-1][0] == step
    assert len(former.evaluations) == sum(made < step for made in STEPS)
    replayed = saved_evaluations(folders.last)
    assert replayed == tuple(former.evaluations)
    resumed = begin().go(resume=folders.last)
    assert len(resumed.weights) == 20 - step
    assert_same(resumed, reference, replayed=replayed)


@pytest.mark.parametrize("batch", [2, 3, 8, 18])
def test_a_run_interrupted_within_an_evaluation_makes_it_again(
    begin: Begin, reference: Run, tmp_path: Path, batch: int
) -> None:
    due = STEPS[(batch - 1) // 3]
    folders = Folders(tmp_path, at=lambda asked: asked == due + batch)
    former = begin(stop_at_batch=batch).interrupted(folders)
    ((step, folder),) = folders.committed
    assert step == due
    assert len(former.evaluations) == (batch - 1) // 3
    resumed = begin().go(resume=folder)
    assert resumed.n_batches == 18 - (batch - 1) // 3 * 3
    assert len(resumed.weights) == 20 - step
    assert_same(resumed, reference, replayed=saved_evaluations(folder))


@pytest.mark.parametrize(
    "fields",
    [
        # The last batch of an epoch is smaller, and the last step has fewer of them.
        {"batch_size": 5, "gradient_accumulation_steps": 3, "class_weights": "balanced"},
        {"batch_size": 200, "max_grad_norm": 0.0},
        {"frozen": 2, "precision": "bf16"},
    ],
    ids=str,
)
def test_a_checkpoint_under_any_settings_goes_on_and_making_it_changes_nothing(
    begin: Begin, tmp_path: Path, fields: dict[str, Any]
) -> None:
    expected = begin(**fields).go()
    # After a step of each epoch, and within evaluations.
    folders = Folders(tmp_path, at=lambda asked: asked in (2, 7, 22, 31))
    assert_all_go_on(partial(begin, **fields), expected, folders)


def test_any_checkpoint_goes_on_and_making_it_changes_nothing(
    begin: Begin, reference: Run, tmp_path: Path
) -> None:
    assert_all_go_on(begin, reference, Folders(tmp_path, at=lambda asked: asked % 5 == 2))


def assert_all_go_on(begin: Begin, expected: Run, folders: Folders) -> None:
    """From every checkpoint of a run, which is the same as the expected one without."""
    assert_same(begin().go(folders), expected)
    assert folders.n_asked == len(expected.weights) + expected.n_batches
    assert len(folders.committed) >= 2
    for _, folder in folders.committed:
        resumed = begin().go(resume=folder)
        assert_same(resumed, expected, replayed=saved_evaluations(folder))


@pytest.mark.parametrize(
    "fields",
    [
        {"optimizer": "adafactor", "layer_decay": 0.6, "scheduler": "cosine", "focal_gamma": 0.5},
        {"layer_decay": 0.6, "frozen": 1, "scheduler": "warmup_stable_decay"},
        {"of_model": {"dropout": 0.3, "pooling": "mean", "lora_rank": 2}, "frozen": 1},
    ],
    ids=str,
)
def test_a_run_of_any_recipe_goes_on(begin: Begin, tmp_path: Path, fields: dict[str, Any]) -> None:
    if "lora_rank" in fields.get("of_model", {}):
        pytest.importorskip("peft")
    expected = begin(**fields).go()
    folders = Folders(tmp_path, at=lambda asked: asked == 12)  # within the second epoch
    begin(stop_at_step=12, **fields).interrupted(folders)
    resumed = begin(**fields).go(resume=folders.last)
    assert_same(resumed, expected, replayed=saved_evaluations(folders.last))


def test_a_resumed_run_can_be_interrupted_again_and_again(
    begin: Begin, reference: Run, tmp_path: Path
) -> None:
    """After a step whose evaluation is due, within that evaluation, mid-epoch, and in the next."""
    stops: list[dict[str, int]] = [
        {"stop_at_step": 4},
        {"stop_at_batch": 2},
        {"stop_at_step": 6},
        {"stop_at_step": 10},
        {"stop_at_step": 13},
        {"stop_at_batch": 5},
    ]
    resume, steps = None, []
    for number, stop in enumerate(stops):
        folders = Folders(tmp_path / str(number))
        begin(**stop).interrupted(folders, resume)
        step, resume = folders.committed[-1]
        steps.append(step)
    assert steps == [4, 4, 6, 10, 13, 17]
    assert resume is not None
    assert_same(begin().go(resume=resume), reference, replayed=saved_evaluations(resume))


def test_a_run_goes_on_from_an_older_checkpoint_than_its_last_step(
    begin: Begin, reference: Run, tmp_path: Path
) -> None:
    folders = Folders(tmp_path, at=lambda asked: asked == 3)
    begin(stop_at_step=12).interrupted(folders)
    assert [step for step, _ in folders.committed] == [3]
    assert_same(begin().go(resume=folders.last), reference)


def test_an_interrupted_evaluation_leaves_nothing_behind_for_the_next_run(
    begin: Begin, reference: Run, tmp_path: Path
) -> None:
    begin(stop_at_batch=2).interrupted(Folders(tmp_path))
    assert_same(begin().go(), reference)


def test_the_callers_random_numbers_do_not_matter(
    begin: Begin, reference: Run, tmp_path: Path
) -> None:
    folders = Folders(tmp_path)
    begin(stop_at_step=13).interrupted(folders)
    run = begin()
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    assert_same(run.go(resume=folders.last), reference, replayed=saved_evaluations(folders.last))


def test_evaluations_leave_the_random_numbers_of_training_alone(
    begin: Begin, reference: Run
) -> None:
    run = begin()

    def draw(module: nn.Module, *_: Any) -> None:
        if not module.training:
            torch.rand(3), np.random.rand(3), random.random()

    run.model.classifier.register_forward_hook(draw)
    assert_same(run.go(), reference)


@pytest.mark.parametrize(("patience", "last"), [(1, 7), (3, 14)])
def test_patience_counts_on_across_a_resume(
    begin: Begin, tmp_path: Path, patience: int, last: int
) -> None:
    started = partial(begin, objective=ACCURACY, early_stopping_patience=patience, **STEADY)
    folders = Folders(tmp_path)
    expected = started().go(folders)
    assert expected.result is not None
    assert expected.result.stopped_early
    assert folders.committed[-1][0] == last
    for step, folder in folders.committed[::5]:
        resumed = started().go(resume=folder)
        assert len(resumed.weights) == last - step
        assert_same(resumed, expected, replayed=saved_evaluations(folder))


def test_an_evaluation_made_at_the_start_may_end_the_run(begin: Begin, tmp_path: Path) -> None:
    started = partial(begin, objective=ACCURACY, early_stopping_patience=1, **STEADY)
    folders = Folders(tmp_path)
    started(stop_at_step=7).interrupted(folders)
    resumed = started().go(resume=folders.last)
    assert resumed.weights == {}
    assert resumed.n_batches == 3
    assert resumed.result is not None
    assert resumed.result.stopped_early


@pytest.mark.parametrize("patience", [None, 2])
def test_a_run_that_had_ended_gives_its_result_again(
    begin: Begin, tmp_path: Path, patience: int | None
) -> None:
    started = partial(begin, objective=ACCURACY, early_stopping_patience=patience, **STEADY)
    folders = Folders(tmp_path / "during")
    expected = started().go(folders)
    after = tmp_path / "after"
    after.mkdir()
    folders.write(after)
    resumed = started().go(resume=after)
    assert (resumed.weights, resumed.evaluations, resumed.n_batches) == ({}, [], 0)
    assert_same(resumed, expected, replayed=saved_evaluations(after))


@pytest.mark.parametrize("step", [4, 13])
def test_half_the_batch_with_twice_the_accumulation_sees_the_same_examples(
    begin: Begin, tmp_path: Path, step: int, caplog: pytest.LogCaptureFixture
) -> None:
    started = partial(begin, dropout=False, learning_rate=1e-3)
    whole = started().go()
    folders = Folders(tmp_path, at=lambda asked: asked >= step)
    started(stop_at_step=step).interrupted(folders)
    halved = started(batch_size=5, gradient_accumulation_steps=2)
    caplog.clear()
    halved.go(resume=folders.last)
    assert caplog.records == []
    assert list(halved.weights) == list(whole.weights)[step:]
    assert halved.result is not None
    assert whole.result is not None
    for ours, theirs in zip(halved.result.evaluations, whole.result.evaluations, strict=True):
        assert (ours.step, ours.epoch) == (theirs.step, theirs.epoch)
        for name in ("train/loss", "validation/loss"):
            assert ours.metrics[name] == pytest.approx(theirs.metrics[name], abs=2e-3)


def test_a_checkpoint_comes_before_each_call_that_may_interrupt(
    begin: Begin, tmp_path: Path
) -> None:
    events: list[str] = []
    run, folders = begin(epochs=1, evaluations_per_epoch=1, batch_size=48), Folders(tmp_path)
    fit(
        run.model,
        run.tokens,
        TrainingConfig(**run.settings),
        objective=LOSS,
        on_evaluation=lambda evaluation: events.append("evaluation"),
        on_step=lambda seen, total: events.append(f"step after {len(folders.committed)}"),
        on_batch=lambda: events.append(f"batch after {len(folders.committed)}"),
        checkpoints=folders,
    )
    assert events == [
        *("step after 1", "step after 2"),
        *("batch after 3", "batch after 4", "batch after 5"),
        "evaluation",
    ]


def test_a_checkpoint_that_cannot_be_written_ends_the_run_with_the_reason(begin: Begin) -> None:
    raised = OSError("No space left on device")

    class Full:
        def due(self) -> bool:
            return True

        def commit(self, write: Callable[[Path], None], *, step: int) -> None:
            raise raised

    run = begin()
    with pytest.raises(OSError, match=r"^No space left on device$") as caught:
        run.go(Full())
    assert caught.value is raised
    assert run.weights == {}


def test_no_checkpoint_is_made_of_poisoned_weights(begin: Begin, tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    run = begin(learning_rate=1e30, warmup_ratio=0.0)
    with pytest.raises(
        FinesweepError, match=r"^the training loss became (nan|inf) in optimizer step 2$"
    ):
        run.go(folders)
    assert [step for step, _ in folders.committed] == [1]


def test_a_checkpoint_holds_json_and_safetensors_and_nothing_frozen(
    begin: Begin, tmp_path: Path
) -> None:
    folders = Folders(tmp_path)
    run = begin(frozen=2, stop_at_step=5).interrupted(folders)
    names = sorted(file.name for file in folders.last.iterdir())
    assert names == ["state.json", "state.safetensors"]
    tree = read_tree(folders.last)
    trainable = {name for name, p in run.model.named_parameters() if p.requires_grad}
    assert set(tree["parameters"]) == set(tree["progress"]["best_weights"]) == trainable
    assert not any("embeddings" in name for name in trainable)
    assert len(tree["optimizer"]["state"]) == len(trainable)


def test_a_checkpoint_of_another_batch_size_is_refused(begin: Begin, tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    begin(stop_at_step=3).interrupted(folders)
    message = r"^the checkpoint has seen 30 examples in 3 steps, which are 36 in this run$"
    with pytest.raises(FinesweepError, match=message):
        begin(batch_size=12).go(resume=folders.last)


def test_a_checkpoint_of_other_frozen_layers_is_refused(begin: Begin, tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    begin(stop_at_step=3).interrupted(folders)
    message = r"^the weights belong to a model of another shape, or with other frozen layers$"
    with pytest.raises(FinesweepError, match=message):
        begin(frozen=1).go(resume=folders.last)


def test_training_that_ends_too_soon_is_no_result(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_step = ResumableTrainer.training_step

    def stop(self: ResumableTrainer, *args: Any, **kwargs: Any) -> torch.Tensor:
        self.control.should_training_stop = self.state.global_step == 11
        return whole_step(self, *args, **kwargs)

    monkeypatch.setattr(ResumableTrainer, "training_step", stop)
    with pytest.raises(FinesweepError, match=r"^training ended at step 12 of 20$"):
        begin().go()


def test_a_tree_reads_back_equal(tmp_path: Path) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=1 / 3).state_dict()
    floats = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, float("inf"), -0.0]
    half = torch.tensor([1.5, -0.1], dtype=torch.bfloat16)
    write_tree(tmp_path, {"scaler": scaler, "floats": floats, "half": half, "none": None})
    tree = read_tree(tmp_path)
    assert tree["scaler"] == scaler
    assert [x.hex() for x in tree["floats"]] == [x.hex() for x in floats]
    assert tree["none"] is None
    assert torch.equal(tree["half"], half)
    assert tree["half"].dtype == torch.bfloat16
    assert json.loads((tmp_path / "state.json").read_text())["half"] == {"$tensor": "/half"}


def test_what_was_read_does_not_change_with_its_file(tmp_path: Path) -> None:
    """Mapped memory would change, and truncating the file would kill the process with SIGBUS."""
    write_tree(tmp_path, {"ones": torch.ones(100_000)})
    ones = read_tree(tmp_path)["ones"]
    with (tmp_path / "state.safetensors").open("r+b") as file:
        file.seek(1_000)
        file.write(bytes(300_000))
    assert torch.equal(ones, torch.ones(100_000))


def test_streams_go_on_where_they_stood_after_a_round_trip(tmp_path: Path) -> None:
    def draw() -> list[float]:
        return [random.gauss(0, 1), np.random.normal(), torch.randn(1).item()]

    draw()  # of each pair of normal numbers the second now waits in the state
    write_tree(tmp_path, get_rng_state())
    expected = [draw(), draw()]
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    set_rng_state(read_tree(tmp_path))
    assert [draw(), draw()] == expected
