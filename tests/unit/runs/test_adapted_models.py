"""Folders of adapted models: their names, and when one is reused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from finesweep.config import compose
from finesweep.disk import commit
from finesweep.errors import ConfigError
from finesweep.runs.adapted_models import (
    Adaptation,
    adapted_folder,
    definition,
    earlier_adaptation,
    write_record,
)
from finesweep.training.mlm.fill_mask import Guess

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workplace")]
MADE = Adaptation(
    folder="made",
    run_id="r1",
    has_new_head=True,
    perplexities=(900.5, 30.25),
    probe="a [MASK]",
    before=(Guess("day", 0.5),),
    after=(Guess("film", 0.75), Guess("day", 0.125)),
)


def defined(*overrides: str, fingerprint: str = "f1") -> dict[str, Any]:
    dataset: Any = SimpleNamespace(fingerprint=fingerprint)
    return definition(compose(overrides), dataset)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A finished adaptation with the defaults."""
    folder = tmp_path / "made"
    commit(folder, lambda aside: write_record(aside, MADE, defined()))
    return folder


@pytest.mark.parametrize(
    ("overrides", "folder"),
    [
        ([], "mlruns/adapted/minilm-tweets"),
        (["model=distil_minilm", "dataset=imdb"], "mlruns/adapted/distil_minilm-imdb"),
        (["model=checkpoint", "model.name_or_path=a/roberta"], "mlruns/adapted/roberta-tweets"),
        (["dataset.name='my/own texts'"], "mlruns/adapted/minilm-my-own-texts"),
        (["adapt.folder=of/mine"], "of/mine"),
    ],
)
def test_a_folder_is_named_after_its_model_and_dataset(overrides: list[str], folder: str) -> None:
    assert adapted_folder(compose(overrides)) == Path(folder)


def test_the_same_adaptation_is_read_back_whole(made: Path) -> None:
    same = replace(MADE, folder=str(made))
    assert earlier_adaptation(made, defined()) == same
    where = ("adapt.folder=made", "tracking.experiment=other", "workers=2")
    assert earlier_adaptation(made, defined(*where)) == same


def test_a_field_newer_than_the_folder_had_its_default(tmp_path: Path) -> None:
    folder, older = tmp_path / "older", defined()
    del older["model.dropout"], older["training.scheduler"]
    commit(folder, lambda aside: write_record(aside, MADE, older))
    assert earlier_adaptation(folder, defined()) == replace(MADE, folder=str(folder))
    with pytest.raises(ConfigError, match=r"training\.scheduler: nothing when .*, now cosine"):
        earlier_adaptation(folder, defined("training.scheduler=cosine"))


def test_an_adaptation_that_was_moved_names_the_folder_where_it_lies(made: Path) -> None:
    moved = made.rename(made.with_name("moved"))
    assert earlier_adaptation(moved, defined()) == replace(MADE, folder=str(moved))


def test_a_folder_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert earlier_adaptation(tmp_path / "none", defined()) is None


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (["training.epochs=5"], r"training\.epochs: 3 when .*made was created, now 5"),
        (
            ["adapt.masked_share=0.3"],
            r"adapt\.masked_share: 0\.15 when .*made was created, now 0\.3",
        ),
    ],
)
def test_another_adaptation_is_not_written_over(made: Path, wanted: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as refused:
        earlier_adaptation(made, defined(*wanted))
    assert "choose another folder with adapt.folder=…" in str(refused.value)


def test_other_texts_are_another_adaptation(made: Path) -> None:
    with pytest.raises(ConfigError, match=r"data fingerprint: f1 when .* now f2"):
        earlier_adaptation(made, defined(fingerprint="f2"))


def test_a_folder_of_something_else_or_of_damaged_files_is_left_alone(
    made: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (made / "adaptation.json").write_text("{}")
    for folder in (tmp_path / "mine", made):
        with pytest.raises(ConfigError, match=r"^adapt\.folder: .* has no finished adaptation"):
            earlier_adaptation(folder, defined())
