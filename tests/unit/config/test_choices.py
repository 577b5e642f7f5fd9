"""Every file of conf/dataset and conf/model is a choice that composes, headed by its purpose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from finesweep.config import compose, group_choices

DOCS = Path(__file__).parents[3] / "docs"
CONF = Path(__file__).parents[3] / "conf"
FILES = sorted([*(CONF / "dataset").glob("*.yaml"), *(CONF / "model").glob("*.yaml")])
GIVEN = {"dataset": "dataset.path=reviews.csv", "model": "model.name_or_path=folder"}
"""Group → what a choice may leave to the command line."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_choice_composes_and_says_first_what_it_is(file: Path) -> None:
    group, text = file.parent.name, file.read_text(encoding="utf-8")
    assert file.stem in group_choices(group)
    assert text.startswith("# ")
    given = [GIVEN[group]] if file.stem in ("local", "checkpoint") else []
    config = compose([f"{group}={file.stem}", *given]).config
    if group == "dataset":
        assert config.dataset.name == file.stem
        assert (config.dataset.hub or config.dataset.path) is not None
    else:
        assert config.model.name_or_path


def test_the_dataset_of_the_quickstart_is_a_choice(workplace: Path) -> None:
    page = (DOCS / "quickstart.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.S)
    (block,) = (text for text in blocks if re.search(r"^path: ", text, re.M))
    (workplace / "conf" / "dataset").mkdir(parents=True)
    (workplace / "conf" / "dataset" / "reviews.yaml").write_text(block, encoding="utf-8")
    dataset = compose(["dataset=reviews"]).config.dataset
    assert (dataset.name, dataset.path, dataset.label_column) == ("reviews", "reviews.csv", "stars")
