"""The URI that always means the same model, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from finesweep.errors import ConfigError
from finesweep.prediction import ModelFiles, find_model, pinned_uri, run_params
from finesweep.tracking import TrackingStore, start_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def registered(
    store: TrackingStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrackingStore]:
    """A model whose second version is champion."""
    store.client.create_registered_model("pinned")
    source = tmp_path_factory.mktemp("model").as_uri()
    for _ in range(2):
        store.client.create_model_version("pinned", source)
    store.client.set_registered_model_alias("pinned", "champion", "2")
    yield store
    store.client.delete_registered_model("pinned")


@pytest.mark.parametrize(
    ("uri", "pinned"),
    [
        ("models:/pinned@champion", "models:/pinned/2"),
        ("models:/pinned/1", "models:/pinned/1"),
        ("models:/m-0123456789abcdef", "models:/m-0123456789abcdef"),
        ("runs:/0123/model", "runs:/0123/model"),
        ("folder/of/mine", "folder/of/mine"),
    ],
)  # fmt: skip
def test_an_alias_becomes_its_version_and_what_cannot_change_stays(
    registered: TrackingStore, uri: str, pinned: str
) -> None:
    assert pinned_uri(uri, tracking_uri=registered.uri, field="f") == pinned


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("models:/pinned@absent", r"f: 'models:/pinned@absent': .*absent"),
        ("models:/pinned/latest", r"f: 'models:/pinned/latest' may change; use models:/NAME/"),
        ("models:/pinned/Production", r"f: 'models:/pinned/Production' may change"),
    ],
)
def test_what_has_no_fixed_version_is_refused(
    registered: TrackingStore, uri: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        pinned_uri(uri, tracking_uri=registered.uri, field="f")


def test_a_model_that_is_not_there_is_named_with_its_field(store: TrackingStore) -> None:
    with pytest.raises(ConfigError, match=r"^training\.teacher: 'models:/absent/1': "):
        find_model("models:/absent/1", tracking_uri=store.uri, field="training.teacher")


def test_the_params_of_a_run_that_was_deleted_for_good_are_none(store: TrackingStore) -> None:
    run = start_run(store, name="r", params={"dataset.text_columns": "['a']"})
    files = ModelFiles(Path(), Path(), Path(), None, run.run_id)
    assert run_params(files, tracking_uri=store.uri)["dataset.text_columns"] == "['a']"
    gone = ModelFiles(Path(), Path(), Path(), None, "0" * 32)
    assert run_params(gone, tracking_uri=store.uri) == {}
