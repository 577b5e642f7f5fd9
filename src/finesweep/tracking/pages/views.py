"""Views of MLflow's run table: a leaderboard with few columns, its curves first, and their links.

A view is a tag of the experiment that MLflow's pages read: its menu `Views` lists it, and a link
names it. Order, filter and columns are its state, which MLflow's pages keep in the browser else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from mlflow.exceptions import MlflowException

from finesweep.databases import hidden_password
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.records import Direction
from finesweep.stats.metric_names import better_direction
from finesweep.tracking.names import clause, keys_of
from finesweep.tracking.queries import find_runs
from finesweep.tracking.runs import now_ms
from finesweep.tracking.store import TrackingStore
from finesweep.tracking.tags import FRONT_TAG, OBJECTIVES_TAG, TRIAL_STATE

SHARED = "mlflow.sharedViewState."
"""Prefix of MLflow's tags for views; the rest is the view's key in links."""
OWN = "finesweep-"
"""Prefix of the keys of finesweep's views."""
MAX_VIEWS = 20
"""Views of finesweep's in an experiment: MLflow lets a user save one only below 40 in all."""
LOSS = "validation/loss"
BEST = "best/"
"""Prefix of the parent run's metric: the sweep's metric at its best trial so far."""
SECTIONS = ("validation", "test", "train", "confirmed", "best", "latency_ms", "model")
FOLDED = ("seconds", "seconds_saved", "system", "")
"""Sections of charts that are last and folded: each chart is one number a run."""
LINE: dict[str, Any] = {
    "type": "LINE",
    "runsCountToCompare": 10,
    "deleted": False,
    "isGenerated": True,
    "lineSmoothness": 0,
    "xAxisScaleType": "linear",
    "scaleType": "linear",
    "range": {},
    "xAxisKey": "step",
    "selectedXAxisMetricKey": "",
    "yAxisKey": "metric",
    "yAxisExpressions": [],
    "ignoreOutliers": False,
    "useGlobalXaxisKey": True,
    "useGlobalLineSmoothing": True,
}
"""A line chart by MLflow's own defaults."""


@dataclass(frozen=True)
class View:
    """Which runs a table shows, and by which metric they are ordered, the best first."""

    key: str
    name: str
    """Its name in MLflow's menu."""
    filter: str
    metric: str = LOSS
    direction: Direction = "minimize"
    objectives: tuple[str, ...] = ()
    """Several objectives, which have columns, as the Pareto front has."""


ALL_RUNS = View(f"{OWN}runs", "leaderboard of all runs", "tags.`finesweep.kind` != 'sweep'")
ALL_SWEEPS = View(f"{OWN}sweeps", "sweeps by their winners", "tags.`finesweep.kind` = 'sweep'")


def sweep_view(store: TrackingStore, sweep: str) -> View:
    """The leaderboard of a sweep's runs, by the sweep's metric; ConfigError with the nearest name
    when no sweep of that name has a run here."""
    parents = find_runs(store, {"finesweep.kind": "sweep", "finesweep.sweep": sweep})
    if not parents:
        names = _sweeps(store)
        hint = nearest(sweep, names) if names else "none has been run here yet"
        message = f"no sweep {sweep!r} in {hidden_password(store.uri)}; {hint}"
        raise ConfigError(Problem("SWEEP", message))
    parent = store.client.get_run(parents[0].run_id).data
    metrics = parent.metrics
    best = [name.removeprefix(BEST) for name in metrics if name.startswith(BEST)]
    metric = best[0] if best else LOSS
    own = clause("tags.`finesweep.sweep`", sweep)
    return View(
        key=_key(sweep),
        name=f"leaderboard of {sweep}",
        filter=f"{own} and {ALL_RUNS.filter}",
        metric=metric,
        direction=better_direction(metric),
        objectives=tuple(parent.tags.get(OBJECTIVES_TAG, "").splitlines()),
    )


def _key(sweep: str) -> str:
    """The key of a sweep's view."""
    (key,) = keys_of([f"{OWN}sweep-{sweep}"]).values()
    return key


def delete_view(store: TrackingStore, sweep: str) -> None:
    """Removes the view of a sweep's leaderboard from the experiment, if it was saved."""
    tag = f"{SHARED}{_key(sweep)}"
    if tag in store.client.get_experiment(store.experiment_id).tags:
        store.client.delete_experiment_tag(store.experiment_id, tag)


def _sweeps(store: TrackingStore) -> list[str]:
    """Names of the sweeps that have a parent run."""
    runs = find_runs(store, {"finesweep.kind": "sweep"})
    tags = [store.client.get_run(run.run_id).data.tags for run in runs]
    return sorted({each.get("finesweep.sweep", "") for each in tags})


def save_view(store: TrackingStore, view: View) -> bool:
    """Whether the experiment has the view; without permission to write it has not.

    An equal one is left as it is. The oldest of finesweep's own views goes when they are too many.
    """
    tags = store.client.get_experiment(store.experiment_id).tags
    state, tag = json.dumps(_state(view)), f"{SHARED}{view.key}"
    saved = {name: json.loads(text) for name, text in tags.items() if name.startswith(SHARED + OWN)}
    if saved.get(tag, {}).get("state") == state:
        return True
    now = now_ms()
    text = json.dumps({"name": view.name, "createdAt": now, "updatedAt": now, "state": state})
    oldest = sorted(saved.keys() - {tag}, key=lambda name: saved[name]["createdAt"])
    try:
        store.client.set_experiment_tag(store.experiment_id, tag, text)
        for name in oldest[: max(0, len(oldest) - MAX_VIEWS + 1)]:
            store.client.delete_experiment_tag(store.experiment_id, name)
    except MlflowException:
        return False
    return True


def link(store: TrackingStore, view: View, *, server: str, saved: bool) -> str:
    """The address of the view on an MLflow server; without a saved view, of its order and filter.

    A user and password in the server's address are left out.

    MLflow reads the order from a link only when the link names no view, and opens its pages for
    traces unless the link says that this is model training.
    """
    parameters = {"workflowType": "machine_learning"} | (
        {"viewStateShareKey": view.key}
        if saved
        else {
            "searchFilter": view.filter,
            "orderByKey": _column("metrics", view.metric),
            "orderByAsc": json.dumps(view.direction == "minimize"),
        }
    )
    query = urlencode(parameters, quote_via=quote)
    parts = urlsplit(server)
    host = parts.netloc.rpartition("@")[2]
    address = urlunsplit((parts.scheme, host, parts.path, "", "")).rstrip("/")
    return f"{address}/#/experiments/{store.experiment_id}/runs?{query}"


def _state(view: View) -> dict[str, Any]:
    """MLflow's own state of a run table and its charts, all that differs from its defaults."""
    metrics = dict.fromkeys((view.metric, *view.objectives, LOSS, "validation/f1", "test/f1"))
    widths = {
        _column("attributes", "Run Name"): 330,
        **{_column("metrics", name): 125 for name in metrics},
        **({_column("tags", FRONT_TAG): 90} if view.objectives else {}),
        _column("tags", TRIAL_STATE): 170,
        _column("attributes", "Models"): 120,
    }
    names = [*SECTIONS, *FOLDED]
    ids = {name: f"{OWN}section-{place}" for place, name in enumerate(names)}
    sections = [
        {
            "uuid": ids[name],
            "name": name or "Model metrics",
            "display": name not in FOLDED,
            # A section that was arranged keeps its charts in the given order.
            "isReordered": True,
            "deleted": False,
            "isGenerated": True,
        }
        for name in names
    ]
    charts = [
        LINE
        | {
            "uuid": f"{OWN}chart-{metric}",
            "metricKey": metric,
            "displayName": metric.rpartition("/")[2],
            "metricSectionId": ids[metric.rpartition("/")[0]],
        }
        for metric in dict.fromkeys((LOSS, view.metric, "train/loss"))
    ]
    return {
        "searchFilter": view.filter,
        "orderByKey": _column("metrics", view.metric),
        "orderByAsc": view.direction == "minimize",
        "selectedColumns": list(widths),
        "columnOrder": list(widths),
        "columnWidths": widths,
        "compareRunCharts": charts,
        "compareRunSections": sections,
        "isAccordionReordered": True,
        "runsHiddenMode": "FIRST_20_RUNS",
    }


def _column(kind: str, name: str) -> str:
    """The name of a column in MLflow's tables."""
    return f"{kind}.`{name}`"
