"""A teacher's logits: the model's own in the data's order of labels, computed once."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.unit.runs.teachers.conftest import NAMES
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finesweep.config import Config
from finesweep.errors import ConfigError
from finesweep.records import TextDataset
from finesweep.runs.teachers import Teacher, logits, read_teacher, teacher_logits

pytestmark = pytest.mark.slow


@pytest.fixture
def teacher(config: Config) -> Teacher:
    assert config.training.teacher is not None
    return read_teacher(config.training.teacher, tracking_uri=config.tracking.uri)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of each pass of the teacher."""
    rows: list[int] = []
    predict = logits.predict

    def counted(model: object, split: object, *given: object, **named: object) -> object:
        rows.append(len(split))  # type: ignore[arg-type]
        return predict(model, split, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(logits, "predict", counted)
    return rows


def test_each_row_has_the_models_own_in_the_order_of_the_datas_labels(
    teacher: Teacher, dataset: TextDataset, config: Config, folder: Path
) -> None:
    found = teacher_logits(teacher, dataset, config)
    assert (found.shape, found.dtype) == ((60, 3), np.float32)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = list(dataset.train["text"][:60])
    inputs = tokenizer(texts, truncation=True, max_length=16, padding=True, return_tensors="pt")
    with torch.inference_mode():
        own = model(**inputs).logits.numpy()
    assert dataset.label_names == ("bad", "good", "plain") != NAMES
    for column, name in enumerate(dataset.label_names):
        np.testing.assert_allclose(found[:, column], own[:, NAMES.index(name)], atol=1e-4)


def test_they_are_computed_once_and_leave_the_random_numbers_as_they_were(
    teacher: Teacher, dataset: TextDataset, config: Config, computed: list[int]
) -> None:
    torch.manual_seed(5)
    first = teacher_logits(teacher, dataset, config)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    torch.testing.assert_close(drawn, torch.rand(3))
    other_student = replace(config, training=replace(config.training, seed=9, batch_size=2))
    again = teacher_logits(teacher, dataset, other_student)
    assert computed == [60]
    np.testing.assert_array_equal(first, again)


def test_other_rows_another_length_and_another_teacher_have_their_own(
    teacher: Teacher, dataset: TextDataset, config: Config, computed: list[int]
) -> None:
    teacher_logits(teacher, dataset, config)
    shorter = replace(config, dataset=replace(config.dataset, max_length=5))
    teacher_logits(teacher, dataset, shorter)
    teacher_logits(replace(teacher, max_length=5), dataset, config)  # as the shorter ones
    assert computed == [60, 60]
    assert len(list(Path(config.storage.cache).glob("teachers/*/used"))) == 2
    fewer = replace(dataset, train=dataset.train.select(range(30)), fingerprint="other")
    assert teacher_logits(teacher, fewer, config).shape == (30, 3)


def test_one_of_several_at_once_computes_and_the_others_wait(
    teacher: Teacher, dataset: TextDataset, config: Config, computed: list[int]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: teacher_logits(teacher, dataset, config), range(2)))
    assert computed == [60]
    np.testing.assert_array_equal(*both)


def test_half_a_file_is_computed_anew(
    teacher: Teacher, dataset: TextDataset, config: Config, computed: list[int]
) -> None:
    whole = teacher_logits(teacher, dataset, config)
    (file,) = Path(config.storage.cache).glob("teachers/*/logits.npy")
    os.truncate(file, 200)
    np.testing.assert_array_equal(teacher_logits(teacher, dataset, config), whole)
    assert computed == [60, 60]


def test_an_interruption_leaves_nothing_half_written(
    teacher: Teacher, dataset: TextDataset, config: Config
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt("here")

    with pytest.raises(KeyboardInterrupt, match="here"):
        teacher_logits(teacher, dataset, config, on_batch=stop)
    left = {path.suffix for path in Path(config.storage.cache).glob("teachers/*")}
    assert left == {".lock"}


def test_a_teacher_that_is_no_longer_the_one_of_the_study_is_refused(
    teacher: Teacher, dataset: TextDataset, config: Config
) -> None:
    with pytest.raises(ConfigError, match="its files have changed since the study or the run"):
        teacher_logits(replace(teacher, sha256="other"), dataset, config)
    assert not list(Path(config.storage.cache).glob("teachers/*/used"))


def test_logits_that_are_not_finite_are_refused(
    dataset: TextDataset, config: Config, folder: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    model = AutoModelForSequenceClassification.from_pretrained(broken)
    with torch.no_grad():
        model.classifier.bias[0] = float("nan")
    model.save_pretrained(broken)
    teacher = read_teacher(str(broken), tracking_uri=config.tracking.uri)
    with pytest.raises(ConfigError, match="its logits are not finite"):
        teacher_logits(teacher, dataset, config)
