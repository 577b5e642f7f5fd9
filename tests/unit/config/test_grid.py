"""The runs that a grid makes, in Hydra's order and in its grammar."""

from __future__ import annotations

import pytest

from finesweep.config import compose
from finesweep.config.grid import grid
from finesweep.errors import ConfigError

pytestmark = pytest.mark.usefixtures("workplace")


def test_the_last_key_varies_fastest() -> None:
    runs = grid(["model=bert,minilm", "training.epochs=2", "training.seed=range(0, 2)"])
    assert runs == [
        ["model=bert", "training.epochs=2", "training.seed=0"],
        ["model=bert", "training.epochs=2", "training.seed=1"],
        ["model=minilm", "training.epochs=2", "training.seed=0"],
        ["model=minilm", "training.epochs=2", "training.seed=1"],
    ]


def test_a_key_given_twice_has_its_last_values_at_its_first_place() -> None:
    runs = grid(["training.seed=1,2", "training.epochs=3", "training.seed=choice(4, 5)"])
    assert runs == [
        ["training.seed=4", "training.epochs=3"],
        ["training.seed=5", "training.epochs=3"],
    ]


def test_signs_quotes_and_mappings_are_spelt_so_that_they_compose() -> None:
    given = [
        "++dataset.label_map={0: bad}",
        "dataset.name='a, b','c=d'",
        'dataset.label_map={"C++": x}',
    ]
    runs = grid(given)
    assert [compose(run).config.dataset.name for run in runs] == ["a, b", "c=d"]
    assert [compose(run).config.dataset.label_map for run in runs] == 2 * [{"C++": "x"}]
    assert grid(["~model", "+published={source: a}"]) == [["~model=null", "+published={source:a}"]]


def test_a_glob_takes_the_choices_that_match() -> None:
    assert grid(["model=glob(*minilm)"]) == [["model=distil_minilm"], ["model=minilm"]]
    with pytest.raises(ConfigError, match=r"^model: glob\(\) matches no choice; known: bert, "):
        grid(["model=glob(x*)"])


def test_an_interval_cannot_be_counted_off() -> None:
    with pytest.raises(ConfigError, match=r"^training\.epochs: interval\(\) is for finesweep sw"):
        grid(["training.epochs=interval(1, 3)"])


def test_no_overrides_are_one_run() -> None:
    assert grid([]) == [[]]
