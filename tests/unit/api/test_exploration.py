"""What the page of an exploration is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from finesweep.api.exploration import page_name
from finesweep.config import compose

pytestmark = pytest.mark.slow


def page(*overrides: str) -> str:
    return page_name(compose(list(overrides)))


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["dataset=imdb"], "imdb"),
        (["dataset=local", "dataset.path=reviews.csv"], "reviews.csv"),
        (["dataset=local", "dataset.path=./reviews.csv"], "reviews.csv"),
        (["dataset=local", "dataset.files.train=a.csv", "dataset.files.test=b.csv"], "a.csv"),
        (["dataset=imdb", "dataset.hub=null", "dataset.path=mine.parquet"], "mine.parquet"),
    ],
)
def test_a_page_is_named_after_the_data(workplace: Path, overrides: list[str], name: str) -> None:
    assert page(*overrides) == name


def test_no_two_files_share_a_page(workplace: Path) -> None:
    paths = ["a.csv", "a.tsv", "b/a.csv", "c/a.csv", "b-a.csv", "b a.csv", "../a.csv", "/x/a.csv"]
    pages = [page("dataset=local", f"dataset.path='{path}'") for path in paths]
    assert len(set(pages)) == len(paths)
    assert all("/" not in name and not name.startswith(".") for name in pages)
