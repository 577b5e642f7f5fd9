"""Runs are found by their tags."""

from __future__ import annotations

import pytest

from finesweep.config import TrackingConfig
from finesweep.tracking import TrackingStore, find_runs, open_store, start_run


def ids(store: TrackingStore, tags: dict[str, str], *, running: bool = False) -> list[str]:
    return [run.run_id for run in find_runs(store, tags, running=running)]


def test_runs_are_found_by_all_their_tags_newest_first(store: TrackingStore) -> None:
    kinds = [("sweep", "s"), ("trial", "s"), ("trial", "t"), ("trial", "s")]
    made = [
        start_run(store, name="x", tags={"search.kind": kind, "search.sweep": sweep}).run_id
        for kind, sweep in kinds
    ]
    assert ids(store, {"search.kind": "trial", "search.sweep": "s"}) == [made[3], made[1]]
    assert ids(store, {"search.kind": "sweep"}) == [made[0]]
    assert ids(store, {"search.kind": "nothing"}) == []


@pytest.mark.parametrize(
    "name", ["bob's", 'say "hi"', "both ' and \"", "back\\", "100 %", "a_b", "`x`", "ü; -- x", ""]
)
def test_a_tag_is_found_whatever_stands_in_it(store: TrackingStore, name: str) -> None:
    made = start_run(store, name="x", tags={"search.named": name}).run_id
    other = name.replace("_", "-") if "_" in name else f"{name}."
    start_run(store, name="x", tags={"search.named": other})
    assert ids(store, {"search.named": name}) == [made]


def test_only_running_runs_are_found_when_asked(store: TrackingStore) -> None:
    runs = [start_run(store, name="x", tags={"search.running": "yes"}) for _ in range(3)]
    runs[0].finish("FINISHED")
    runs[1].finish("FAILED")
    assert ids(store, {"search.running": "yes"}, running=True) == [runs[2].run_id]
    assert len(ids(store, {"search.running": "yes"})) == 3


def test_runs_of_other_experiments_and_deleted_runs_are_not_found(store: TrackingStore) -> None:
    other = open_store(TrackingConfig(uri=store.uri, experiment="search-other"))
    theirs = start_run(other, name="x", tags={"search.where": "a"}).run_id
    ours = [start_run(store, name="x", tags={"search.where": "a"}).run_id for _ in range(2)]
    store.client.delete_run(ours[1])
    assert ids(store, {"search.where": "a"}) == [ours[0]]
    assert ids(other, {"search.where": "a"}) == [theirs]


def test_more_runs_than_one_page_holds_are_all_found(store: TrackingStore) -> None:
    made = {start_run(store, name="x", tags={"search.page": "a"}).run_id for _ in range(5)}
    search, sizes = store.client.search_runs, []

    class Paging:
        """The store's client, with two runs per page."""

        def search_runs(self, experiments: list[str], text: str, page_token: str | None) -> object:
            page = search(experiments, text, max_results=2, page_token=page_token)
            sizes.append(len(page))
            return page

    paged = TrackingStore(Paging(), store.experiment_id, store.uri)  # type: ignore[arg-type]
    assert set(ids(paged, {"search.page": "a"})) == made
    assert sizes == [2, 2, 1]
