"""A description is finesweep's until a user edits it, and shows names as they are."""

from __future__ import annotations

from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.names import MAX_TAG_CHARACTERS
from finesweep.tracking.pages.notes import describe_run, escaped, markdown_table

NOTE = "mlflow.note.content"


def test_a_description_is_replaced_until_the_user_edits_it(store: TrackingStore) -> None:
    run = start_run(store, name="noted")
    for text in ("first", "first", "second"):
        describe_run(run, text)
        assert store.client.get_run(run.run_id).data.tags[NOTE] == text
    store.client.set_tag(run.run_id, NOTE, "second, and mine")
    describe_run(run, "third")
    assert store.client.get_run(run.run_id).data.tags[NOTE] == "second, and mine"


def test_one_longer_than_mlflow_keeps_is_cut_and_still_ours(store: TrackingStore) -> None:
    run = start_run(store, name="long")
    for letter in "xy":
        describe_run(run, letter * 10_000)
        shown = store.client.get_run(run.run_id).data.tags[NOTE]
        assert shown == letter * (MAX_TAG_CHARACTERS - 1) + "…"


def test_names_are_shown_as_they_are() -> None:
    assert escaped("<script>\n|a|") == r"\<script\> \|a\|"
    assert markdown_table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"
