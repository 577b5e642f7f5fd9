"""A view of MLflow's run table: its tag, its state, and the links to it."""

from __future__ import annotations

import json
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import pytest

from finesweep.errors import ConfigError
from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.pages.views import (
    ALL_RUNS,
    MAX_VIEWS,
    SHARED,
    View,
    delete_view,
    link,
    save_view,
    sweep_view,
)
from finesweep.tracking.tags import FRONT_TAG, OBJECTIVES_TAG

NAMES = ["small", 'it\'s "q"/<b>']


def saved(store: TrackingStore) -> dict[str, Any]:
    """Key → saved view."""
    tags = store.client.get_experiment(store.experiment_id).tags
    views = {name: text for name, text in tags.items() if name.startswith(SHARED)}
    return {name.removeprefix(SHARED): json.loads(text) for name, text in views.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_sweeps_view_has_its_runs_by_its_metric_whatever_its_name(
    store: TrackingStore, name: str
) -> None:
    parent = start_run(store, name=name, tags={"finesweep.kind": "sweep", "finesweep.sweep": name})
    parent.log_metrics({"best/validation/f1": 0.5}, step=1)
    for sweep in (name, "another"):
        start_run(store, name="0", tags={"finesweep.kind": "trial", "finesweep.sweep": sweep})
    view = sweep_view(store, name)
    found = store.client.search_runs([store.experiment_id], view.filter)
    assert [run.data.tags["finesweep.sweep"] for run in found] == [name]
    assert (view.metric, view.direction) == ("validation/f1", "maximize")
    assert save_view(store, view)
    state = json.loads(saved(store)[view.key]["state"])
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`validation/f1`", False)


@pytest.mark.parametrize("name", NAMES)
def test_only_the_view_of_a_deleted_sweep_goes(store: TrackingStore, name: str) -> None:
    for sweep in (name, "stays"):
        start_run(store, name="s", tags={"finesweep.kind": "sweep", "finesweep.sweep": sweep})
        assert save_view(store, sweep_view(store, sweep))
    before = saved(store).keys()
    for _ in range(2):
        delete_view(store, name)
        assert before - saved(store).keys() == {sweep_view(store, name).key}


def test_several_objectives_and_the_front_have_columns(store: TrackingStore) -> None:
    tags = {"finesweep.kind": "sweep", "finesweep.sweep": "two"}
    start_run(store, name="two", tags=tags | {OBJECTIVES_TAG: "validation/loss\nmodel/bytes"})
    view = sweep_view(store, "two")
    assert save_view(store, view)
    columns = json.loads(saved(store)[view.key]["state"])["selectedColumns"]
    assert {"metrics.`model/bytes`", f"tags.`{FRONT_TAG}`"} <= set(columns)


def test_an_unknown_sweep_gets_the_nearest_name(store: TrackingStore) -> None:
    start_run(store, name="s", tags={"finesweep.kind": "sweep", "finesweep.sweep": "imdb"})
    with pytest.raises(ConfigError, match=r"no sweep 'imbd' in .*; did you mean 'imdb'\?"):
        sweep_view(store, "imbd")


def test_the_loss_is_the_first_chart_and_times_are_last_and_folded(store: TrackingStore) -> None:
    save_view(store, ALL_RUNS)
    state = json.loads(saved(store)[ALL_RUNS.key]["state"])
    charts, sections = state["compareRunCharts"], state["compareRunSections"]
    assert charts[0]["metricKey"] == "validation/loss"
    assert charts[0]["metricSectionId"] == sections[0]["uuid"]
    folded = [each["name"] for each in sections if not each["display"]]
    assert folded == [each["name"] for each in sections][-4:]
    assert folded[0] == "seconds"


def test_a_view_is_saved_once_the_oldest_goes_and_the_users_own_are_kept(
    store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in saved(store):
        store.client.delete_experiment_tag(store.experiment_id, f"{SHARED}{key}")
    # Several views may be saved in the same millisecond, but not here.
    monkeypatch.setattr("finesweep.tracking.pages.views.now_ms", count(1).__next__)
    users = {"name": "mine", "createdAt": 0, "updatedAt": 0, "state": "{}"}
    store.client.set_experiment_tag(store.experiment_id, f"{SHARED}u1", json.dumps(users))
    views = [View(f"finesweep-sweep-{n}", str(n), "") for n in range(MAX_VIEWS + 2)]
    for view in views:
        assert save_view(store, view)
    before = saved(store)
    assert save_view(store, views[-1])
    assert saved(store) == before
    assert before["u1"] == users
    assert before.keys() == {"u1", *(view.key for view in views[-MAX_VIEWS:])}


def test_a_link_names_the_view_or_else_its_order_and_hides_a_password(
    store: TrackingStore,
) -> None:
    server = "https://me:secret@host:5000/mlflow/"
    at = f"https://host:5000/mlflow/#/experiments/{store.experiment_id}/runs"
    of_view = f"{at}?workflowType=machine_learning&viewStateShareKey=finesweep-runs"
    assert link(store, ALL_RUNS, server=server, saved=True) == of_view
    address, _, query = link(store, ALL_RUNS, server=server, saved=False).partition("?")
    assert address == at
    assert parse_qs(query) == {
        "workflowType": ["machine_learning"],
        "searchFilter": ["tags.`finesweep.kind` != 'sweep'"],
        "orderByKey": ["metrics.`validation/loss`"],
        "orderByAsc": ["true"],
    }
