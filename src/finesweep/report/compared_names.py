"""The runs and sweeps that the user's names mean: ids, their beginnings, names, model URIs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finesweep.databases import hidden_password
from finesweep.errors import ConfigError, Problem, nearest
from finesweep.registry.versions import models_of, version_of
from finesweep.runs.recorded import RecordedRun, read_run
from finesweep.sweep.selection.state import SweepState, read_state
from finesweep.sweep.study.study import find_study, study_names
from finesweep.tracking import Run, TrackingStore, active_run, run_names, runs_called

MODEL = "models:/"
SWEEP = "sweep"
N_LISTED = 5
"""Runs listed of several that a name means."""


@dataclass(frozen=True)
class Named:
    """What one name means."""

    text: str
    run: RecordedRun | None
    sweep: SweepState | None
    """The sweep, where the name is one; a run of the same name is not taken then."""
    note: str | None = None
    """A sentence where the name means both."""


def named(store: TrackingStore, storage_url: str, texts: Sequence[str]) -> list[Named]:
    """What each text means, in order; ConfigError with every text that means nothing or several."""
    found: list[Named] = []
    problems: list[Problem] = []
    studies = study_names(storage_url)
    for text in texts:
        try:
            found.append(_named(store, storage_url, text, studies))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return found


def run_named(store: TrackingStore, text: str) -> RecordedRun:
    """The run that text means; ConfigError when there is none, or more than one."""
    runs = _runs(store, text)
    if not runs:
        message = f"no run with this id or name; `finesweep ui` lists them{_model_hint(text)}"
        raise ConfigError(Problem(text, message))
    return read_run(store, _only(text, runs).run_id)


def _named(store: TrackingStore, url: str, text: str, studies: Sequence[str]) -> Named:
    runs = _runs(store, text)
    if text in studies:
        others = [each for run in runs if (each := read_run(store, run.run_id)).kind != SWEEP]
        return Named(text, None, read_state(find_study(text, url)), _both(text, others))
    if not runs:
        where = f"no run in {hidden_password(store.uri)} and no sweep in {hidden_password(url)}"
        hint = nearest(text, {*studies, *run_names(store)})
        message = f"{where} has this id or name; {hint}"
        raise ConfigError(Problem(text, message))
    run = read_run(store, _only(text, runs).run_id)
    if run.kind != SWEEP:
        return Named(text, run, None)
    return Named(text, None, read_state(find_study(run.tags["finesweep.sweep"], url)))


def _runs(store: TrackingStore, text: str) -> list[Run]:
    if not text.startswith(MODEL):
        return runs_called(store, text)
    version = version_of(store.client, text)
    if version is None:
        name = text.removeprefix(MODEL).partition("@")[0].partition("/")[0]
        hint = nearest(name, models_of(store.client))
        message = f"no such version; use models:/NAME@ALIAS or models:/NAME/VERSION; {hint}"
        raise ConfigError(Problem(text, message))
    run = active_run(store, version.run_id)
    return [] if run is None else [run]


def _both(text: str, runs: Sequence[RecordedRun]) -> str | None:
    if not runs:
        return None
    return f"{text!r} is a sweep and also a run, {runs[0].run_id}: compared is the sweep."


def _only(text: str, runs: Sequence[Run]) -> Run:
    if len(runs) > 1:
        ids = ", ".join(run.run_id for run in runs[:N_LISTED])
        more = ", …" if len(runs) > N_LISTED else ""
        raise ConfigError(Problem(text, f"means {len(runs)} runs; give one's id: {ids}{more}"))
    return runs[0]


def _model_hint(text: str) -> str:
    return "" if text.startswith(MODEL) else ", and `finesweep models` registered models"
